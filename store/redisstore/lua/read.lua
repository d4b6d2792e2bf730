-- KEYS: stream, birth. ARGV: first position, limit. Returns birth, head, entries.
local head, entries = headof(KEYS[1]), {}
if head and tonumber(ARGV[2]) > 0 then
  entries = redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
end
return { redis.call('GET', KEYS[2]) or '', head or 0, entries }
