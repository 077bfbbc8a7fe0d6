// SPDX-License-Identifier: Apache-2.0
//
// The load generator of `make bench` against a server that stalls, because a generator that waits politely reports good
// latencies of a bad server.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { load } from '../../bench/lib/load.mjs';
import { inPairs, median } from '../../bench/lib/stats.mjs';

const STALL_MS = 300;

// A server that stops for STALL_MS at its 200th request.
async function stallingServer(t, answer = (res) => res.end('{"a":1}')) {
	const seen = [];
	const server = createServer((req, res) => {
		seen.push(req);
		if (seen.length === 200) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
		answer(res, seen.length);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(() => server.closeAllConnections() ?? server.close());
	return { url: `http://127.0.0.1:${server.address().port}`, seen };
}

test('an open schedule: a stall is charged to every request that was due meanwhile', async (t) => {
	const server = await stallingServer(t);
	const said = await load({ ...server, headers: { authorization: 'Bearer x' } }, ['/a', '/b?c=d'], { seconds: 1, connections: 4, rate: 500 });
	assert.ok(said.ok > 480 && said.ok <= 500, JSON.stringify(said));
	assert.ok(said.max_us >= STALL_MS * 1000, `the longest wait: ${said.max_us}`);
	// 300 ms of 1 s, each due 2 ms after the one before: a fifth of all waited for more than 100 ms.
	assert.ok(said.p90_us >= 100 * 1000, `the stall is hidden: ${JSON.stringify(said)}`);
	assert.ok(Math.abs(server.seen.filter((req) => req.url === '/b?c=d').length - said.sent / 2) <= 1, 'targets in turn');
	assert.equal(server.seen[0].headers.authorization, 'Bearer x');
});

test('without a rate each connection asks again at once, and --once asks for each target once', async (t) => {
	const server = await stallingServer(t);
	const said = await load(server, ['/'], { seconds: 1, connections: 4 });
	assert.ok(said.ok > 250 && said.p90_us < STALL_MS * 1000, JSON.stringify(said));
	server.seen.length = 0;
	const targets = Array.from({ length: 50 }, (_, i) => `/${i}`);
	assert.equal((await load(server, targets, { seconds: 5, connections: 3, once: true })).ok, 50);
	assert.deepEqual(server.seen.map((req) => req.url).sort(), targets.sort());
});

test('an answer that is not 200, and a connection that breaks, end a measurement', async (t) => {
	const refusing = await stallingServer(t, (res, n) => res.writeHead(n === 20 ? 404 : 200).end('x'));
	await assert.rejects(load(refusing, ['/'], { seconds: 1, rate: 100 }), /not every request was answered 200.*"refused":1/s);
	const breaking = await stallingServer(t, (res, n) => (n === 20 ? res.destroy() : res.end('x')));
	await assert.rejects(load(breaking, ['/'], { seconds: 1, rate: 100 }), /"broken":1/);
});

test('medians, and pairs whose order is swapped', async () => {
	assert.deepEqual([[3], [4, 1], [9, 1, 5], [1, 2, 3, 100]].map(median), [3, 2.5, 5, 2.5]);
	const order = [];
	const pairs = await inPairs(3, async () => order.push('a') && 'a', async () => order.push('b') && 'b');
	assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
	assert.deepEqual(pairs, [['a', 'b'], ['a', 'b'], ['a', 'b']]);
});
