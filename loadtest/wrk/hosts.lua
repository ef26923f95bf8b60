-- Each of so many hosts in turn: wrk … -s hosts.lua … -- NUMBER
local requests, at = {}, 0

init = function(args)
  for n = 1, tonumber(args[1]) do
    wrk.headers["Host"] = "host-" .. n .. ".test"
    requests[n] = wrk.format()
  end
end

request = function()
  at = at % #requests + 1
  return requests[at]
end
