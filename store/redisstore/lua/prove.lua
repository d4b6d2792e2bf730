-- KEYS: the record. ARGV: now, clock, keep, then what prove takes. Returns the record, or nothing.
local blob = redis.call('GET', KEYS[1])
local r = blob and decode(blob)
if not r or not live(r, tonumber(ARGV[1])) then return false end
prove(r, ARGV, 4)
return save(KEYS[1], r, tonumber(ARGV[2]), tonumber(ARGV[3]))
