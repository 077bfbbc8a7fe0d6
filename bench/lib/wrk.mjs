// SPDX-License-Identifier: Apache-2.0
//
// One run of wrk against one server, with what that server used meanwhile.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from '../../tests/e2e/lib/process.mjs';
import { usageOf, workersOf } from './processes.mjs';
import { round } from './stats.mjs';

const SCRIPT = join(import.meta.dirname, '..', 'wrk.lua');

// target: { url, headers, pid }; traced: each request with a trace id of its own; ret: rate, p50_us, p99_us, CPU and context switches of its workers for each answer.
export async function wrk(target, { seconds, connections = 64, threads = 1, cores, traced }) {
	const headers = Object.entries(target.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
	const args = ['wrk', '-t', threads, '-c', connections, '-d', `${seconds}s`, '-s', SCRIPT, ...headers, target.url].map(String);
	const workers = workersOf(target.pid);
	const before = usageOf(workers);
	const command = [...(cores ? ['taskset', '-c', cores] : []), ...(traced ? ['env', 'WRK_TRACE=1'] : []), ...args];
	const { code, stdout, stderr } = await run(command[0], command.slice(1));
	const after = usageOf(workers);
	assert.equal(code, 0, `${stdout}${stderr}`);
	const said = JSON.parse(stdout.trim().split('\n').at(-1));
	assert.ok(said.requests > 0, stdout);
	assert.equal(said.refused, 0, `${target.url}: ${said.refused} of ${said.requests} answers were not 200`);
	assert.equal(said.broken, 0, `${target.url}: ${said.broken} connections broke`);
	return {
		rate: said.requests / (said.microseconds / 1e6),
		p50_us: said.p50_us,
		p99_us: said.p99_us,
		answer_bytes: round(said.bytes / said.requests),
		cpu_us: (after.cpuUs - before.cpuUs) / said.requests,
		switches: (after.switches - before.switches) / said.requests,
	};
}
