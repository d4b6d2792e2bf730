-- KEYS: the account's index. ARGV: base, now, reason, only, except, clock, keep.
local index, base, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local reply, members = {}, nil
if ARGV[4] ~= '' then
  if redis.call('SISMEMBER', index, ARGV[4]) == 0 then return reply end
  members = { ARGV[4] }
end
for _, r in ipairs(livelist(index, base, now, members)) do
  if r.member ~= ARGV[5] then
    reply[#reply + 1] = finish(index, base, r, now, ARGV[3], tonumber(ARGV[6]), tonumber(ARGV[7]))
  end
end
return reply
