-- KEYS: the record. ARGV: generation, hash, next hash, at, idle, IP, agent, device, clock, keep, then what prove takes or nothing.
local blob, at = redis.call('GET', KEYS[1]), tonumber(ARGV[4])
local r = blob and decode(blob)
if not r or not live(r, at) or r.generation ~= tonumber(ARGV[1]) or r.hash ~= ARGV[2] then return 0 end
r.generation, r.previous, r.hash, r.rotated = r.generation + 1, r.hash, ARGV[3], at
if ARGV[11] then prove(r, ARGV, 11) end
use(r, at, tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8])
save(KEYS[1], r, tonumber(ARGV[9]), tonumber(ARGV[10]))
return 1
