-- ARGV: job, lease id, how many dead are kept.
local job = ARGV[1]
local r = held(job, ARGV[2])
if not r then
  return 0
end
remove(r.n, r.entry)
redis.call('HDEL', KEYS[1], job)
redis.call('ZADD', KEYS[3], now(), job)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[3]))
return 1
