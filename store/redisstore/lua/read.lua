-- KEYS: stream, birth. ARGV: the position that was read last, the one after it, limit. Returns head, entries.
-- Who read a log that was lost, and has a position from before this one's beginning, is told that it is empty.
local head, entries, after = headof(KEYS[1]), {}, tonumber(ARGV[1])
local birth = tonumber(redis.call('GET', KEYS[2]) or '') or 0
if not head or (after > 0 and after < birth) then return { 0, entries } end
if tonumber(ARGV[3]) > 0 then
  entries = redis.call('XRANGE', KEYS[1], ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
end
return { head, entries }
