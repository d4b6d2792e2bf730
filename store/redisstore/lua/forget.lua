-- KEYS: stream, ends. ARGV: before, limit. Returns how many entries it forgot.
local positions = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #positions == 0 then return 0 end
redis.call('ZREM', KEYS[2], unpack(positions))
local n = 0
for _, position in ipairs(positions) do n = n + redis.call('XDEL', KEYS[1], position .. '-0') end
return n
