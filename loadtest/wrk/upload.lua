-- A body of 16 KiB with each request.
wrk.method = "POST"
wrk.body = string.rep("0123456789abcdef", 1024)
