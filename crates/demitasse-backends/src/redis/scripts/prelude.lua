-- What every operation shares; it stands before each script. One script is one operation: one round trip, atomic.
--
-- KEYS are the same for all, and all lie in one cluster slot:
--   1 jobs      hash, job -> its record; a job without one is not in the queue
--   2 delayed   sorted set, job by the millisecond at which it is due
--   3 dead      sorted set, job by the millisecond at which it was buried
--   4 handled   hash, stream -> an entry that is done with and waits to be deleted (see `remove`)
--   5..7        streams of the entries that were never handed out: high, normal, low
--   8..10       streams of the entries that came back: high, normal, low
--   11 wake     channel that says that something may be ready
-- A record is `stream|entry|lease|deliveries|worker`: the stream's number from 1 to 6, the entry's id or nothing for a
-- delayed one, the lease or nothing for an entry that nobody has claimed. Workers of two versions share these: a field
-- may be added at the end of `worker`'s place only, and the order of KEYS stays.

local GROUP = 'workers'
local PRIORITIES = 3
local STREAMS = 2 * PRIORITIES

-- Redis counts how long an entry is idle, not how long its lease lasts. So every lease ends when the entry has been idle
-- for this time, and a claim or a heartbeat says that it has been idle for all of it but the lease. In milliseconds.
local REFERENCE = 31536000000

local function stream(n)
  return KEYS[4 + n]
end

-- The stream that takes an entry of stream `n` when it comes back.
local function back(n)
  return n > PRIORITIES and n or n + PRIORITIES
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function wake()
  redis.call('PUBLISH', KEYS[11], '')
end

local function read(job)
  local record = redis.call('HGET', KEYS[1], job)
  if not record then
    return nil
  end
  local n, entry, lease, deliveries, worker = string.match(record, '^([1-6])|([^|]*)|([^|]*)|(%d+)|(.*)$')
  if not n then
    return nil
  end
  return { n = tonumber(n), entry = entry, lease = lease, deliveries = tonumber(deliveries), worker = worker }
end

local function write(job, r)
  redis.call('HSET', KEYS[1], job, table.concat({ r.n, r.entry, r.lease, r.deliveries, r.worker }, '|'))
end

-- The record of a job, if it is held under this lease.
local function held(job, lease)
  local r = read(job)
  if r and r.lease == lease and r.entry ~= '' then
    return r
  end
  return nil
end

local function idle_for(lease)
  return math.max(0, REFERENCE - lease)
end

-- Puts the job at the end of stream `n` and gives the entry's id. The group is made with the stream: this server may
-- have been emptied a moment ago.
local function add(n, job)
  local key = stream(n)
  if redis.call('EXISTS', key) == 0 then
    redis.call('XGROUP', 'CREATE', key, GROUP, '0', 'MKSTREAM', 'ENTRIESREAD', 0)
  end
  return redis.call('XADD', key, '*', 'job', job)
end

-- A field of the group's row in XINFO GROUPS.
local function group_field(key, name)
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  if groups.err then
    return nil
  end
  for _, group in ipairs(groups) do
    local row = {}
    for i = 1, #group, 2 do
      row[group[i]] = group[i + 1]
    end
    if row.name == GROUP then
      return row[name]
    end
  end
  return nil
end

-- Takes a claimed entry out of its stream. While an older entry is still there, deleting the last one that was handed
-- out makes the group's lag unknown (seen on Redis 7.0.15), which blinds an autoscaler; so that one stays until the next
-- is handed out, or until it is alone.
local function remove(n, id)
  local key = stream(n)
  redis.call('XACK', key, GROUP, id)
  if redis.call('XLEN', key) > 1 and group_field(key, 'last-delivered-id') == id then
    redis.call('HSET', KEYS[4], n, id)
    return
  end
  redis.call('XDEL', key, id)
  local handled = redis.call('HGET', KEYS[4], n)
  if handled and redis.call('XLEN', key) == 1 then
    redis.call('XDEL', key, handled)
    redis.call('HDEL', KEYS[4], n)
  end
end
