-- Gives ready, delayed, claimed, dead, and the age in milliseconds of the oldest ready entry, or -1.
-- Counts the claimed one by one, as many as there are workers; nothing else grows with the queue.
local time = now()
local ready = redis.call('ZCOUNT', KEYS[2], '-inf', time)
local delayed = redis.call('ZCARD', KEYS[2]) - ready
local claimed, oldest = 0, -1

local due = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if due[2] and tonumber(due[2]) <= time then
  oldest = time - tonumber(due[2])
end

for n = 1, STREAMS do
  local key = stream(n)
  local last = group_field(key, 'last-delivered-id')
  if last then
    local pending = group_field(key, 'pending')
    local ended = redis.call('XPENDING', key, GROUP, 'IDLE', REFERENCE, '-', '+', pending + 1)
    for _, entry in ipairs(ended) do
      oldest = math.max(oldest, entry[3] - REFERENCE)
    end
    local handled = redis.call('HEXISTS', KEYS[4], n)
    claimed = claimed + pending - #ended
    ready = ready + #ended + redis.call('XLEN', key) - pending - handled
    local waiting = redis.call('XRANGE', key, '(' .. last, '+', 'COUNT', 1)[1]
    if waiting then
      oldest = math.max(oldest, time - tonumber(string.match(waiting[1], '^%d+')))
    end
  end
end
return { ready, delayed, claimed, redis.call('ZCARD', KEYS[3]), oldest }
