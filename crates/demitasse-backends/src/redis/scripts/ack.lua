-- ARGV: job, lease id.
local r = held(ARGV[1], ARGV[2])
if not r then
  return 0
end
remove(r.n, r.entry)
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
