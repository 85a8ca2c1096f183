-- The key comes in the environment: arguments can be read by everyone on a host
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
wrk.body = os.getenv("BENCH_BODY")

function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('\n{"requests": %d, "seconds": %.6f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, failed))
end
