-- KEYS: the account's index. ARGV: base, now.
local reply = {}
for _, r in ipairs(livelist(KEYS[1], ARGV[1], tonumber(ARGV[2]))) do reply[#reply + 1] = r.blob end
return reply
