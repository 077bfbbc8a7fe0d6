// SPDX-License-Identifier: Apache-2.0
//
// A role that makes a forbidden call, in the midst of a running service: the call ends that role and no other, the log
// names it, and the service goes on. The call is a seeded bug (call_forbidden) that SIGUSR2 sets off; FIBERWISE_FAULTY
// is the build that has it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, makeArena, readThrough, register } from '../e2e/lib/adversary.mjs';
import { eventually, sleep } from '../e2e/lib/process.mjs';
import { FAULTY } from './lib/torture.mjs';

const ALL = { min_ttl: 86400 };
const log = (service) => readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));

async function world(t, env) {
	const made = await makeArena(t, { binary: FAULTY, env: { FIBERD_FAULTS: 'call_forbidden', ...env } });
	const flow = await connect(made.service, await register(made.service, made.adversary), { user: 'u', account: 'a' });
	return { ...made, flow };
}

test('a forbidden call ends the role that made it, no other, and the service goes on', async (t) => {
	const { service, flow } = await world(t, { FIBERWISE_SANDBOX: 'auto' });
	const { without } = log(service).find((l) => l.event === 'sandbox');
	if (/kernel/.test(without)) {
		t.skip(`nothing to see: ${without}`);
		return;
	}
	for (const { pid, role } of service.roles()) {
		const others = service.roles().map((r) => r.pid).filter((other) => other !== pid);
		const before = log(service).filter((l) => l.event === 'sandbox_violation').length;
		process.kill(pid, 'SIGUSR2');
		await eventually(`the ${role} is named`, () => log(service).filter((l) => l.event === 'sandbox_violation').length > before);
		assert.match(log(service).findLast((l) => l.event === 'sandbox_violation').of, new RegExp(`^${role}`));
		await eventually(`a new ${role}`, () => {
			const now = service.roles().map((r) => r.pid);
			return now.length === others.length + 1 && !now.includes(pid) && others.every((other) => now.includes(other));
		});
		await sleep(1100); // a token's life has room to be asked for again
		assert.ok((await readThrough(service, flow, ALL)).access_token);
	}
	assert.ok(service.program.running);
});

test('without a sandbox the same call is made, and nobody ends', async (t) => {
	const { service } = await world(t, { FIBERWISE_SANDBOX: 'off' });
	const before = service.roles().map((r) => r.pid);
	for (const pid of before) process.kill(pid, 'SIGUSR2');
	await sleep(500);
	assert.deepEqual(service.roles().map((r) => r.pid), before);
});
