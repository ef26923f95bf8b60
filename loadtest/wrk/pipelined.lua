-- Eight requests at a time on each connection.
init = function()
  local requests = {}
  for n = 1, 8 do
    requests[n] = wrk.format()
  end
  eight = table.concat(requests)
end

request = function()
  return eight
end
