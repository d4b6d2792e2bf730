-- KEYS: an index of what is due. ARGV: member, the time it had, its new time or '', and so on.
-- What got another time in between keeps it.
for i = 1, #ARGV, 3 do
  local have = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if have and tonumber(have) == tonumber(ARGV[i + 1]) then
    if ARGV[i + 2] == '' then
      redis.call('ZREM', KEYS[1], ARGV[i])
    else
      redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
    end
  end
end
return 1
