-- KEYS: the record. ARGV: at, idle, IP, agent, device, clock, keep.
local blob, at = redis.call('GET', KEYS[1]), tonumber(ARGV[1])
local r = blob and decode(blob)
if not r or not live(r, at) then return 0 end
use(r, at, tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5])
save(KEYS[1], r, tonumber(ARGV[6]), tonumber(ARGV[7]))
return 1
