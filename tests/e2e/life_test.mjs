// SPDX-License-Identifier: Apache-2.0
//
// A short life with everything that threads share in it: many people connect at once, tokens are read and
// refreshed side by side, connections end under readers, and the service is told to stop while it works. With
// every build it must come out right; with one of `make tsan` or `make asan` no process may have reported anything
// (Program.stop() looks).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, makeArena, read, register } from './lib/adversary.mjs';
import { assertNoReport, eventually, sleep } from './lib/process.mjs';

const PEOPLE = 8;
const READS = 25;

const everyone = (flows, times, fn) => Promise.all(flows.flatMap((flow) => Array.from({ length: times }, () => fn(flow))));

test('many connect, read, refresh and disconnect at once, and the service stops in the midst of it', async (t) => {
	const { service, adversary } = await makeArena(t,
		{ settings: { access_ttl_s: 10, delay_before_ms: 5 }, env: { FIBERWISE_AUDIT_SYNC: 'always' } });
	const authenticators = [await register(service, adversary), await register(service, adversary)];
	const flows = await Promise.all(Array.from({ length: PEOPLE },
		(_, i) => connect(service, authenticators[i % 2], { user: `user-${i}`, account: `account-${i}` })));

	const plain = await everyone(flows, READS, (flow) => read(service, flow));
	for (const res of plain) assert.equal(res.status, 200, res.text);

	// A tenth of the token's life later its remaining life is too short for whoever asks for all of it.
	await sleep(1100);
	const fresh = await everyone(flows, READS, (flow) => read(service, flow, { min_ttl: 3600 }));
	for (const res of fresh) assert.equal(res.status, 200, res.text);
	const first = new Map(flows.map((flow, i) => [flow.user, plain[i * READS].body.access_token]));
	for (const [i, res] of fresh.entries()) {
		assert.notEqual(res.body.access_token, first.get(flows[Math.floor(i / READS)].user));
	}

	// Changes beside reads: each app gets a data key of its own.
	const changes = Array.from({ length: 10 }, (_, i) => service.expect(201, 'POST', '/apps', { json: { name: `app ${i}` } }));
	const during = everyone(flows, READS, (flow) => read(service, flow));
	await Promise.all(changes);
	for (const res of await during) assert.equal(res.status, 200, res.text);

	const leaving = flows.slice(0, PEOPLE / 2);
	const late = everyone(leaving, READS, (flow) => read(service, flow));
	await Promise.all(leaving.map(({ connection, user }) => service
		.expect(200, 'DELETE', `/credentials/connections/${connection}?user=${user}`)));
	for (const res of await late) assert.ok([200, 404, 409].includes(res.status), `${res.status} ${res.text}`);
	for (const flow of leaving) assert.notEqual((await read(service, flow)).status, 200, 'a connection that has ended');
	await eventually('the provider was told', async () => await adversary.hits('revoke') >= leaving.length);

	const { program } = service;
	const last = everyone(flows.slice(PEOPLE / 2), READS, (flow) => read(service, flow, { min_ttl: 3600 })
		.catch((e) => ({ status: 0, text: e.message })));
	await sleep(20);
	assert.equal(await service.stop(), 0, program.errors);
	for (const res of await last) assert.ok([200, 0, 503].includes(res.status), `${res.status} ${res.text}`);
	await program.closed;
	assertNoReport(program);
});
