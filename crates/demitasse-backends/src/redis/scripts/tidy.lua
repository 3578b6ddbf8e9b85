-- ARGV: milliseconds. Forgets the workers that hold nothing and have not asked for so long.
for n = 1, STREAMS do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream(n), GROUP)
  if not consumers.err then
    for _, consumer in ipairs(consumers) do
      local row = {}
      for i = 1, #consumer, 2 do
        row[consumer[i]] = consumer[i + 1]
      end
      if row.pending == 0 and row.idle >= tonumber(ARGV[1]) then
        redis.call('XGROUP', 'DELCONSUMER', stream(n), GROUP, row.name)
      end
    end
  end
end
return 0
