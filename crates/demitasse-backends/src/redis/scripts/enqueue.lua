-- ARGV: job, stream. Leaves a job that is in the queue as it is.
local job, n = ARGV[1], tonumber(ARGV[2])
if redis.call('HEXISTS', KEYS[1], job) == 1 then
  return 0
end
redis.call('ZREM', KEYS[3], job)
write(job, { n = n, entry = add(n, job), lease = '', deliveries = 0, worker = '' })
wake()
return 1
