// SPDX-License-Identifier: Apache-2.0
//
// DO-02: hundreds of clients that are slow with their heads, their bodies or our answers are in nobody's way. The whole
// form, with thousands and with figures, is `make bench BENCH=slow`.

import assert from 'node:assert/strict';
import { connect as connectTo } from 'node:net';
import { test } from 'node:test';
import { connect, makeArena, register } from './lib/adversary.mjs';
import { ask } from './lib/http.mjs';
import { beside, slowCrowd } from './lib/slow.mjs';

const CLIENTS = 500;

test('DO-02 five hundred slow clients: others wait hardly longer, on old connections and on new ones', async (t) => {
	const { adversary, service } = await makeArena(t);
	const flow = await connect(service, await register(service, adversary));
	const target = { url: service.url, headers: { authorization: `Bearer ${service.adminKey}` } };
	const path = `/api/v1/credentials/connections/${flow.connection}/token?user=${flow.user}`;
	const found = await beside(target, path, { clients: CLIENTS }, { pairs: 3, seconds: 1, rate: 300 });

	t.diagnostic(`p99 ${Math.round(found.without_us)} us without, ${Math.round(found.with_us)} us with ${CLIENTS} slow clients`);
	for (const state of found.opened) assert.ok(state.opened >= CLIENTS, JSON.stringify(found.opened));
	// Lenient: this machine may do other things too. A server that waits for one of them takes seconds.
	assert.ok(found.ratio < 3 || found.with_us - found.without_us < 25000, JSON.stringify(found));

	const crowd = await slowCrowd(service.url, { clients: CLIENTS });
	t.after(() => crowd.end());
	for (let i = 0; i < 50; i += 1) assert.equal((await ask(`${service.url}/health`, { timeoutMs: 2000 })).status, 200);
	await crowd.end();
	assert.equal(await service.stop(), 0, service.program.errors);
});

// How long until the server ends a connection that sends `first` and then a drop each half second; and what it said.
function patience(service, first, drop, limitMs) {
	return new Promise((resolve, reject) => {
		const began = Date.now();
		const socket = connectTo(service.port, '127.0.0.1');
		let said = '';
		const timer = setInterval(() => drop && socket.write(drop), 500);
		const over = setTimeout(() => { socket.destroy(); reject(new Error(`still open after ${limitMs} ms`)); }, limitMs);
		socket.on('connect', () => first && socket.write(first));
		socket.on('data', (part) => { said += part; });
		socket.on('error', () => {});
		socket.on('close', () => {
			clearInterval(timer);
			clearTimeout(over);
			resolve({ ms: Date.now() - began, status: Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0) });
		});
	});
}

test('DO-02 each way of being slow ends: heads and bodies after ten seconds, silence too', async (t) => {
	const { service } = await makeArena(t);
	const [head, body, silent] = await Promise.all([
		patience(service, 'GET /login HTTP/1.1\r\nHost: a\r\n', 'X-A: b\r\n', 15000),
		patience(service, 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\nContent-Type: text/plain\r\n\r\n', 'a', 16000),
		patience(service, '', '', 15000),
	]);

	assert.equal(head.status, 408);
	assert.ok(head.ms > 9000 && head.ms < 14000, `${head.ms}`);
	assert.equal(body.status, 408);
	assert.ok(body.ms > 9000 && body.ms < 15000, `${body.ms}`);
	assert.equal(silent.status, 0);
	assert.ok(silent.ms > 9000 && silent.ms < 14000, `${silent.ms}`);
});
