-- The rest of a session record: when its user proved who they are, what no script changes, how many methods and which, and
-- where there is more to say, the tail: when by a second factor, who acts, and in which session.
local function proofof(r)
  local rest, p, pos = r.rest, { methods = {}, has = {}, mfa = NONE, actor = '', session = '' }, nil
  local middle, count = 9, nil
  p.auth = struct.unpack('>i8', rest)
  local _, _, _, tenant, subject, id, carrier, confirmation, device, at = struct.unpack('>i8i8BI4c0I4c0I4c0I4c0I4c0I4c0', rest, middle)
  p.kept = string.sub(rest, middle, at - 1)
  count, pos = struct.unpack('>I4c0', rest, at)
  for i = 1, tonumber(count) do
    p.methods[i], pos = struct.unpack('>I4c0', rest, pos)
    p.has[p.methods[i]] = true
  end
  if pos <= #rest then p.mfa, p.actor, p.session = struct.unpack('>i8I4c0I4c0', rest, pos) end
  return p
end

local function packed(s) return struct.pack('>I4c0', #s, s) end

-- prove adds what args say from the given place on: the time of a proof, that of a second factor, and methods. What a
-- caller has proved stays proved, and at no earlier time.
local function prove(r, args, from)
  local p = proofof(r)
  p.auth, p.mfa = math.max(p.auth, tonumber(args[from])), math.max(p.mfa, tonumber(args[from + 1]))
  for i = from + 2, #args do
    if not p.has[args[i]] then
      p.methods[#p.methods + 1], p.has[args[i]] = args[i], true
    end
  end
  local parts = { struct.pack('>i8', p.auth), p.kept, packed(tostring(#p.methods)) }
  for _, method in ipairs(p.methods) do parts[#parts + 1] = packed(method) end
  if p.mfa ~= NONE or p.actor ~= '' or p.session ~= '' then
    parts[#parts + 1] = struct.pack('>i8', p.mfa) .. packed(p.actor) .. packed(p.session)
  end
  r.rest = table.concat(parts)
end
