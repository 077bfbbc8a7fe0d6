// SPDX-License-Identifier: Apache-2.0
//
// Signing in takes 60 ms of a processor and 32 MiB on purpose. Whoever tries a hundred passwords at once must
// not keep anybody from reading a token, nor the administrator out for longer than the attempts that were let in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, makeArena, read, register } from './lib/adversary.mjs';
import { signIn } from './lib/api.mjs';
import { ask } from './lib/http.mjs';
import { eventually } from './lib/process.mjs';
import { PASSWORD } from './lib/service.mjs';

const QUEUE = 16; // HASHING_WAITING_MAX

test('a hundred sign-ins at once: reads pass them, most are told to come again', async (t) => {
	const { service, adversary } = await makeArena(t, { env: { FIBERWISE_WORKERS: '1' } });
	const flow = await connect(service, await register(service, adversary));
	await signIn(service);
	const login = (password) => ask(`${service.url}/api/v1/auth/login`,
		{ method: 'POST', headers: { origin: service.url }, json: { name: 'admin', password } });

	const order = [];
	const note = (what) => (res) => { order.push(what); return res; };
	const tries = Array.from({ length: 100 }, (_, i) => login(`wrong horse ${i}`)
		.then((res) => note(res.status === 401 ? 'checked' : 'sent away')(res)));
	await Promise.race(tries); // the queue is full
	const reads = Array.from({ length: 20 }, () => read(service, flow).then(note('read')));
	for (const res of await Promise.all(reads)) assert.equal(res.status, 200, res.text);
	const results = await Promise.all(tries);

	const checked = results.filter((res) => res.status === 401);
	const sentAway = results.filter((res) => res.status === 429);
	assert.equal(checked.length + sentAway.length, 100, `${results.map((res) => res.status)}`);
	assert.ok(checked.length >= QUEUE && sentAway.length > 0, `${checked.length} checked, ${sentAway.length} sent away`);
	for (const res of sentAway) {
		assert.equal(res.body.error, 'too_many_requests');
		assert.match(res.headers['retry-after'], /^\d+$/);
		assert.equal(res.headers['set-cookie'], undefined);
	}
	assert.ok(order.lastIndexOf('read') < order.lastIndexOf('checked'), `the reads waited for the sign-ins: ${order}`);

	const there = await eventually('the administrator gets in', async () => {
		const res = await login(PASSWORD);
		return res.status !== 429 && res;
	});
	assert.equal(there.status, 200, there.text);
	assert.equal(await service.stop(), 0, service.program.errors);
});
