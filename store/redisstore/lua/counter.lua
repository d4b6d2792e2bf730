-- KEYS: a counter. ARGV: the version it must have, its new value, milliseconds that it lives or ''. Returns 1, or 0 for another version.
local blob = redis.call('GET', KEYS[1])
local version = 0
if blob then
  if string.byte(blob, 1) ~= 1 then error('AUTHMODULE a counter has an unknown version') end
  local _, _, stored = struct.unpack('>Bi8i8', blob)
  version = stored
end
if version ~= tonumber(ARGV[1]) then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
