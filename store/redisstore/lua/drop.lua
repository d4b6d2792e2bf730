-- KEYS: the record, the account's index. ARGV: before, member.
-- Returns 'absent', 'dropped', or when the record dies.
local blob = redis.call('GET', KEYS[1])
if not blob then return 'absent' end
local at = death(decode(blob))
if at >= tonumber(ARGV[1]) then return text(at) end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[2])
return 'dropped'
