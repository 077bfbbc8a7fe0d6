// SPDX-License-Identifier: Apache-2.0
//
// One run of our own generator (load.c) against a list of targets.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { BUILD, run } from '../../tests/e2e/lib/process.mjs';

const LOAD = join(BUILD, 'bench/load');

// targets: paths. rate: requests a second by an open schedule, else as many as come back. Fails unless all were answered 200.
export async function load({ url, headers = {} }, targets, { seconds, connections = 64, rate, once, cores, mayFail }) {
	const args = [LOAD, '--port', new URL(url).port, '--connections', connections, '--seconds', seconds,
		...(rate ? ['--rate', Math.round(rate)] : []), ...(once ? ['--once'] : []),
		...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])].map(String);
	const [command, ...rest] = cores ? ['taskset', '-c', cores, ...args] : args;
	const { code, stdout, stderr } = await run(command, rest, { input: `${targets.join('\n')}\n` });
	assert.equal(code, 0, stderr);
	const said = JSON.parse(stdout);
	if (!mayFail) assert.deepEqual([said.ok, said.broken], [said.sent, 0], `not every request was answered 200: ${stdout}`);
	return said;
}
