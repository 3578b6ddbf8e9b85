-- ARGV: job, lease id, delay in milliseconds.
local job, delay = ARGV[1], tonumber(ARGV[3])
local r = held(job, ARGV[2])
if not r then
  return 0
end
remove(r.n, r.entry)
r.lease, r.worker = '', ''
if delay > 0 then
  r.entry = ''
  redis.call('ZADD', KEYS[2], now() + delay, job)
else
  r.n = back(r.n)
  r.entry = add(r.n, job)
  wake()
end
write(job, r)
return 1
