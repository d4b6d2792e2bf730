-- A session record: what scripts read and change, then the rest, which is Go's alone.
local NONE, VERSION = -9007199254740992, 1
local HEAD, TEXTS = '>Bi8i8i8i8i8i8', '>I4c0I4c0I4c0I4c0I4c0I4c0'

local function decode(blob)
  local r, pos, version = {}, nil, string.byte(blob, 1)
  if version ~= VERSION then error('AUTHMODULE a record has the unknown version ' .. tostring(version)) end
  version, r.ended, r.generation, r.rotated, r.used, r.idle, r.ends, pos = struct.unpack(HEAD, blob)
  r.hash, r.previous, r.reason, r.ip, r.agent, r.device, pos = struct.unpack(TEXTS, blob, pos)
  r.rest = string.sub(blob, pos)
  return r
end

local function encode(r)
  return struct.pack(HEAD, VERSION, r.ended, r.generation, r.rotated, r.used, r.idle, r.ends)
    .. struct.pack(TEXTS, #r.hash, r.hash, #r.previous, r.previous, #r.reason, r.reason, #r.ip, r.ip, #r.agent, r.agent, #r.device, r.device)
    .. r.rest
end

local function text(n) return string.format('%.0f', n) end

local function death(r)
  local at = math.min(r.idle, r.ends)
  if r.ended ~= NONE then at = math.min(at, r.ended) end
  return at
end

local function live(r, now) return r.ended == NONE and now < r.idle and now < r.ends end

-- Keys live until keep milliseconds after the clock passes at. That drops garbage and decides nothing.
local function life(at, clock, keep) return text(math.max(math.floor((at - clock) / 1000), 0) + keep) end

local function save(key, r, clock, keep)
  local blob = encode(r)
  redis.call('SET', key, blob, 'PX', life(death(r), clock, keep))
  return blob
end

local function use(r, at, idle, ip, agent, device)
  if at >= r.used then r.used, r.ip, r.agent, r.device = at, ip, agent, device end
  r.idle = math.max(r.idle, idle)
end

-- The account's records that are live at now; what has ended or is gone leaves its index.
local function livelist(index, base, now, members)
  local list, ids = {}, members or redis.call('SMEMBERS', index)
  for from = 1, #ids, 500 do
    local keys = {}
    for i = from, math.min(from + 499, #ids) do keys[#keys + 1] = base .. ids[i] end
    for i, blob in ipairs(redis.call('MGET', unpack(keys))) do
      local id, r = ids[from + i - 1], blob and decode(blob)
      if not r or r.ended ~= NONE then
        redis.call('SREM', index, id)
      elseif live(r, now) then
        r.member, r.blob = id, blob
        list[#list + 1] = r
      end
    end
  end
  return list
end

-- First what may be refused when memory is full: a session that leaves the index has ended.
local function finish(index, base, r, now, reason, clock, keep)
  r.ended, r.reason = now, reason
  local blob = save(base .. r.member, r, clock, keep)
  redis.call('SREM', index, r.member)
  return blob
end
