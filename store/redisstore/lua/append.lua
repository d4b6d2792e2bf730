-- KEYS: stream, ends, server, birth. ARGV: channel, gap, then entry and end of each.
-- A new log begins at the server's time in microseconds: above every position of one that was lost, so that nothing
-- that knows a position of that one takes it for a later place in this one.
-- After a restart or a failover the last entries may have been lost, and their positions were seen:
-- the next one leaves a gap, up to the present time, so that two losses of the same entries leave two gaps. A restart
-- changes the first half of the mark, every promotion the second.
local stream, head = KEYS[1], headof(KEYS[1])
if #ARGV == 2 then return head or 0 end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if not run or not history then error('AUTHMODULE the server does not say who it is') end
local server = run .. ':' .. history
if not head or redis.call('GET', KEYS[3]) ~= server then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  if not head then redis.call('SET', KEYS[4], string.format('%.0f', now)) end
  head = head and math.max(head + tonumber(ARGV[2]), now) or now
  redis.call('SET', KEYS[3], server)
end
for i = 3, #ARGV, 2 do
  head = head + 1
  local position = string.format('%.0f', head)
  redis.call('XADD', stream, position .. '-0', 'e', ARGV[i])
  redis.call('ZADD', KEYS[2], ARGV[i + 1], position)
end
redis.call('PUBLISH', ARGV[1], string.format('%.0f', head))
return head
