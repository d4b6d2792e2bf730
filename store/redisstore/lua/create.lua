-- KEYS: the account's index, the record. ARGV: base, member, record, created, max, policy, reason, clock, keep.
local index, key = KEYS[1], KEYS[2]
local base, member, now, max = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local clock, keep = tonumber(ARGV[8]), tonumber(ARGV[9])
if redis.call('EXISTS', key) == 1 then return { 1 } end
local reply, list = { 0 }, {}
if max > 0 then
  for _, r in ipairs(livelist(index, base, now)) do
    if proofof(r).actor == '' then list[#list + 1] = r end
  end
end
if max > 0 and #list >= max then
  if ARGV[6] ~= 'evict' then return { 2 } end
  table.sort(list, function(a, b)
    if a.used ~= b.used then return a.used < b.used end
    return a.member < b.member
  end)
  for i = 1, #list - max + 1 do
    reply[#reply + 1] = finish(index, base, list[i], now, ARGV[7], clock, keep)
  end
end
local r = decode(ARGV[3])
save(key, r, clock, keep)
if r.ended == NONE then
  redis.call('SADD', index, member)
  local ms = life(r.ends, clock, keep)
  if redis.call('PTTL', index) < tonumber(ms) then redis.call('PEXPIRE', index, ms) end
end
return reply
