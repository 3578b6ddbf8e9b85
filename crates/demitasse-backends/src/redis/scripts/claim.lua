-- ARGV: worker, lease id, lease in milliseconds. Gives the job and its deliveries, or nothing.
local worker, lease, length = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- So that a claim is quick whatever became due at once; the next claims take the rest.
local DUE_AT_ONCE = 100

local function release_due()
  local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now(), 'LIMIT', 0, DUE_AT_ONCE)
  for _, job in ipairs(due) do
    redis.call('ZREM', KEYS[2], job)
    local r = read(job)
    if r and r.entry == '' then
      r.n = back(r.n)
      r.entry = add(r.n, job)
      write(job, r)
    end
  end
  if #due > 1 then
    wake()
  end
end

-- Notes the claim. An entry that the job's record does not name is left over from something that was lost, and goes; an
-- entry without a record is taken for good.
local function hand_out(n, id, job)
  local r = read(job) or { n = n, entry = id, deliveries = 0 }
  if r.n ~= n or r.entry ~= id then
    remove(n, id)
    return nil
  end
  r.lease, r.worker, r.deliveries = lease, worker, r.deliveries + 1
  write(job, r)
  return { job, r.deliveries }
end

-- The first entry of stream `n` whose lease has ended.
local function ended(n)
  local key = stream(n)
  while true do
    local first = redis.call('XPENDING', key, GROUP, 'IDLE', REFERENCE, '-', '+', 1)[1]
    if not first then
      return nil
    end
    local id = first[1]
    local entry = redis.call('XCLAIM', key, GROUP, worker, REFERENCE, id, 'IDLE', idle_for(length))[1]
    if entry then
      local claim = hand_out(n, id, entry[2][2])
      if claim then
        return claim
      end
    else
      redis.call('XACK', key, GROUP, id)
    end
  end
end

-- The first entry of stream `n` that was never handed out from there.
local function fresh(n)
  local key = stream(n)
  while true do
    local reply = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', key, '>')
    if not reply then
      return nil
    end
    local id, fields = reply[1][2][1][1], reply[1][2][1][2]
    local handled = redis.call('HGET', KEYS[4], n)
    if handled then
      redis.call('XDEL', key, handled)
      redis.call('HDEL', KEYS[4], n)
    end
    redis.call('XCLAIM', key, GROUP, worker, 0, id, 'IDLE', idle_for(length), 'JUSTID')
    local claim = hand_out(n, id, fields[2])
    if claim then
      return claim
    end
  end
end

-- Whether anything can be in stream `n`. Makes the group where someone destroyed it.
local function is_there(n)
  local key = stream(n)
  if redis.call('EXISTS', key) == 0 then
    return false
  end
  if not group_field(key, 'name') then
    redis.call('XGROUP', 'CREATE', key, GROUP, '0')
  end
  return true
end

release_due()
for priority = 1, PRIORITIES do
  local came_back, never = priority + PRIORITIES, priority
  local here = { [came_back] = is_there(came_back), [never] = is_there(never) }
  local claim = here[came_back] and ended(came_back)
    or here[never] and ended(never)
    or here[came_back] and fresh(came_back)
    or here[never] and fresh(never)
  if claim then
    return claim
  end
end
return nil
