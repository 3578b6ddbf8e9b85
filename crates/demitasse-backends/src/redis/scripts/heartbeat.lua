-- ARGV: job, lease id, lease in milliseconds. XCLAIM with JUSTID does not count as a delivery.
local r = held(ARGV[1], ARGV[2])
if not r then
  return 0
end
local idle = idle_for(tonumber(ARGV[3]))
local kept = redis.pcall('XCLAIM', stream(r.n), GROUP, r.worker, 0, r.entry, 'IDLE', idle, 'JUSTID')
return kept.err and 0 or #kept
