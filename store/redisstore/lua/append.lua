-- KEYS: stream, ends, server, birth. ARGV: channel, nonce, gap, then entry and end of each.
-- After a restart or a failover the last entries may have been lost, and their positions were seen:
-- the next one leaves a gap.
local stream, head = KEYS[1], headof(KEYS[1])
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if not server then error('AUTHMODULE the server does not say who it is') end
if #ARGV == 3 then return head or 0 end
if not head then
  head = 0
  redis.call('SET', KEYS[4], ARGV[2])
elseif redis.call('GET', KEYS[3]) ~= server then
  head = head + tonumber(ARGV[3])
end
redis.call('SET', KEYS[3], server)
for i = 4, #ARGV, 2 do
  head = head + 1
  local position = string.format('%.0f', head)
  redis.call('XADD', stream, position .. '-0', 'e', ARGV[i])
  redis.call('ZADD', KEYS[2], ARGV[i + 1], position)
end
redis.call('PUBLISH', ARGV[1], string.format('%.0f', head))
return head
