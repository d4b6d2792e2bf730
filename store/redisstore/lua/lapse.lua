-- KEYS: a counter. ARGV: before, what stands for no time. Returns 'absent' for one that is not there or has no end, 'dropped', or when it expires.
local blob = redis.call('GET', KEYS[1])
if not blob then return 'absent' end
if string.byte(blob, 1) ~= 1 then error('AUTHMODULE a counter has an unknown version') end
local _, expires = struct.unpack('>Bi8', blob)
if expires == tonumber(ARGV[2]) then return 'absent' end
if expires >= tonumber(ARGV[1]) then return string.format('%.0f', expires) end
redis.call('DEL', KEYS[1])
return 'dropped'
