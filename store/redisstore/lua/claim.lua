-- KEYS: a session's alias. ARGV: tag, milliseconds. Returns the tag that has the ID.
local tag = redis.call('GET', KEYS[1])
if tag and tag ~= ARGV[1] then return tag end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
