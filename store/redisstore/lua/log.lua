-- The revocation log is a stream; an entry's ID is its position and a zero. The
-- stream remembers its last ID when all entries are gone, so there is no second counter that could disagree.
local function headof(stream)
  if redis.call('EXISTS', stream) == 0 then return nil end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '^%d+')) end
  end
  error('AUTHMODULE the revocation log has no last position')
end
