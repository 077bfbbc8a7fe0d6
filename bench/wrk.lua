-- SPDX-License-Identifier: Apache-2.0
-- Makes wrk say what it measured as one line of JSON. Without WRK_TRACE it has no request() and no response(), so wrk runs
-- without Lua; with it each request carries a trace id of its own, as behind a tracing proxy.

if os.getenv('WRK_TRACE') then
	local before, behind
	local n = 0

	init = function()
		wrk.headers['traceparent'] = '@'
		local whole = wrk.format()
		before, behind = whole:match('^(.*traceparent: )@(.*)$')
	end

	request = function()
		n = n + 1
		return before .. string.format('00-4bf92f3577b34da6a3ce929d%08x-00f067aa0ba902b7-01', n) .. behind
	end
end

done = function(summary, latency)
	local bad = summary.errors
	io.write(string.format(
		'\n{"requests":%d,"microseconds":%d,"bytes":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
		summary.requests, summary.duration, summary.bytes, bad.status, bad.connect + bad.read + bad.write + bad.timeout,
		latency:percentile(50), latency:percentile(99)))
end
