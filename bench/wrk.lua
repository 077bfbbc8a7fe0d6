-- SPDX-License-Identifier: Apache-2.0
-- Makes wrk say what it measured as one line of JSON. It has no request() and no response(), so wrk runs without Lua.

done = function(summary, latency)
	local bad = summary.errors
	io.write(string.format(
		'\n{"requests":%d,"microseconds":%d,"bytes":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
		summary.requests, summary.duration, summary.bytes, bad.status, bad.connect + bad.read + bad.write + bad.timeout,
		latency:percentile(50), latency:percentile(99)))
end
