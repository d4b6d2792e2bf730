-- KEYS: a one-time record. ARGV: hash, now. Returns the record, or nothing.
local blob = redis.call('GET', KEYS[1])
if not blob then return false end
if string.byte(blob, 1) ~= 1 then error('AUTHMODULE a one-time record has an unknown version') end
local _, expires, hash = struct.unpack('>Bi8I4c0', blob)
if expires <= tonumber(ARGV[2]) or hash ~= ARGV[1] then return false end
redis.call('DEL', KEYS[1])
return blob
