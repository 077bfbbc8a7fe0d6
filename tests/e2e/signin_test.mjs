// SPDX-License-Identifier: Apache-2.0
//
// Signing in takes 60 ms of a processor and 32 MiB on purpose. Whoever tries a hundred passwords at once must
// not keep anybody from reading a token, nor the administrator out for longer than the attempts that were let in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, makeArena, read, register } from './lib/adversary.mjs';
import { signIn } from './lib/api.mjs';
import { ask } from './lib/http.mjs';
import { eventually, sleep } from './lib/process.mjs';
import { PASSWORD } from './lib/service.mjs';

const QUEUE = 16; // HASHING_WAITING_MAX
const FREE = 6; // wrong passwords from one address until one has to wait
const OF_A_NAME = 50; // attempts from unknown browsers at once
const BEHIND = { FIBERWISE_TRUSTED_PROXIES: '127.0.0.1/32' }; // so that the tests can come from anywhere

const attempt = (service, { name = 'admin', password = 'wrong horse', from = '203.0.113.1', cookie }) => ask(
	`${service.url}/api/v1/auth/login`, {
		method: 'POST',
		headers: { origin: service.url, 'x-forwarded-for': from, ...(cookie ? { cookie } : {}) },
		json: { name, password },
	});

// One after the other, as a person or a script with one connection would.
async function attempts(n, send) {
	const results = [];
	for (let i = 0; i < n; i += 1) results.push(await send(i));
	return results;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

test('a hundred sign-ins at once: reads pass them, most are told to come again', async (t) => {
	const { service, adversary } = await makeArena(t, { env: { FIBERWISE_WORKERS: '1', ...BEHIND } });
	const flow = await connect(service, await register(service, adversary));
	await signIn(service);
	const login = (password, from = '203.0.113.1', name = 'admin') => attempt(service, { name, password, from });

	const order = [];
	const note = (what) => (res) => { order.push(what); return res; };
	const tries = Array.from({ length: 100 }, (_, i) => login(`wrong horse ${i}`, `198.51.100.${i}`, `name ${i}`)
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

test('WB-07 wrong passwords cost time, alike for names that exist and that do not', async (t) => {
	const { service } = await makeArena(t, { env: BEHIND });
	await signIn(service);
	const of = async (name, from) => (await attempts(FREE + 1, () => attempt(service, { name, from }))).map((res) => {
		assert.equal(res.headers['set-cookie'], undefined);
		const { request_id: id, ...body } = res.body;
		assert.ok(id);
		if (body.hint) body.hint = body.hint.replace(/Wait [12] seconds?/, 'Wait so long');
		return { status: res.status, body, headers: Object.keys(res.headers).sort() };
	});
	const known = await of('admin', '203.0.113.7');
	assert.deepEqual(known.map((res) => res.status), [...Array(FREE).fill(401), 429]);
	assert.match(known[FREE].body.hint, /^Wait so long, then try again/);
	// The right password does not show either, as long as one has to wait.
	const right = await attempt(service, { password: PASSWORD, from: '203.0.113.7' });
	assert.equal(right.status, 429);
	assert.equal(right.headers['set-cookie'], undefined);
	// The form says it too, and keeps what was typed but the password.
	const page = await ask(`${service.url}/login`, {
		method: 'POST', form: { name: 'admin', password: PASSWORD }, headers: { origin: service.url, 'x-forwarded-for': '203.0.113.7' },
	});
	assert.equal(page.status, 429);
	assert.match(page.headers['retry-after'], /^[12]$/);
	assert.match(page.text, /too many sign-ins have failed lately\.<\/strong> Wait [12] seconds?/);
	assert.match(page.text, /value="admin"/);
	assert.ok(!page.text.includes(PASSWORD));
	// All three are counted, the page's too.
	const numbers = await ask(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.adminKey}` } });
	assert.match(numbers.text, /^fiberwise_throttled_total\{limit="sign_ins"\} 3$/m);
	assert.deepEqual(await of('nobody', '203.0.113.8'), known);
	await sleep(2100);
	assert.equal((await attempt(service, { password: PASSWORD, from: '203.0.113.7' })).status, 200);
	assert.equal(await service.stop(), 0, service.program.errors);
});

test('WB-07 whoever hammers an account locks nobody out', async (t) => {
	const { service } = await makeArena(t, { env: BEHIND });
	await signIn(service);
	const first = await attempt(service, { password: PASSWORD, from: '192.0.2.1' });
	const known = first.headers['set-cookie'].find((c) => c.startsWith('fw_known=')).split(';');
	assert.ok(known.some((part) => /httponly/i.test(part)) && known.some((part) => /samesite=lax/i.test(part)), `${known}`);

	// From one address: who comes from elsewhere is not held up.
	const hammered = await attempts(FREE + 20, () => attempt(service, { from: '203.0.113.7' }));
	assert.equal(hammered.filter((res) => res.status === 401).length, FREE);
	assert.equal((await attempt(service, { password: PASSWORD, from: '192.0.2.2' })).status, 200);
	// From a hundred: few are looked at, a browser that was here before gets in from any address, and others after seconds.
	const spread = await attempts(100, (i) => attempt(service, { from: `198.51.100.${i}` }));
	const lookedAt = spread.filter((res) => res.status === 401).length;
	assert.ok(lookedAt >= OF_A_NAME - FREE - 5 && lookedAt <= OF_A_NAME + 5, `${lookedAt} were looked at`);
	const cookie = known[0];
	assert.equal((await attempt(service, { password: PASSWORD, from: '203.0.113.7', cookie })).status, 200);
	// One attempt in ten seconds is let through for all others: of several at once, one at most.
	const waits = (results) => results.filter((res) => res.status === 429).map((res) => Number(res.headers['retry-after']));
	const newcomers = waits(await attempts(4, (i) => attempt(service, { from: `192.0.2.9${i}` })));
	assert.ok(newcomers.length >= 3 && newcomers.every((s) => s >= 1 && s <= 10), `${newcomers}`);
	// The cookie is for that name and that service; made up, changed or stolen it opens no door and no further guess.
	const altered = [-1, -9, -17].map((at) => `${cookie.slice(0, at)}${cookie.at(at) === '0' ? '1' : '0'}${cookie.slice(cookie.length + at + 1)}`);
	const forged = [...altered, 'fw_known=1.00000000000000000000000000000000', cookie.replace('=', '=9')];
	const refused = waits(await attempts(forged.length, (i) => attempt(service, { from: `192.0.4.${i}`, cookie: forged[i] })));
	assert.ok(refused.length >= forged.length - 1, `${refused}`);
	const stolen = await attempts(FREE + 5, (i) => attempt(service, { from: `192.0.3.${i}`, cookie }));
	assert.equal(stolen.filter((res) => res.status === 401).length, FREE);
	// Another account is not touched at all.
	assert.equal((await attempt(service, { name: 'nobody', from: '192.0.2.50' })).status, 401);
	assert.equal(await service.stop(), 0, service.program.errors);
});

test('WB-07 time does not tell whether a name exists', async (t) => {
	const { service } = await makeArena(t, { env: { ...BEHIND, FIBERWISE_WORKERS: '1' } });
	await signIn(service);
	const timed = async (name, from) => {
		const began = process.hrtime.bigint();
		const res = await attempt(service, { name, from });
		return { status: res.status, ms: Number(process.hrtime.bigint() - began) / 1e6 };
	};
	const pairs = await attempts(20, async (i) => [await timed('admin', `198.51.100.${i}`), await timed('nobody', `198.51.101.${i}`)]);
	for (const res of pairs.flat()) assert.equal(res.status, 401);
	const [known, unknown] = [0, 1].map((k) => median(pairs.map((pair) => pair[k].ms)));
	t.diagnostic(`a name that exists ${known.toFixed(1)} ms, one that does not ${unknown.toFixed(1)} ms`);
	assert.ok(unknown / known > 0.7 && unknown / known < 1.4, `${known} ms against ${unknown} ms`);

	await attempts(FREE, async () => { await timed('admin', '203.0.113.1'); await timed('nobody', '203.0.113.2'); });
	const refused = await attempts(40, async () => [await timed('admin', '203.0.113.1'), await timed('nobody', '203.0.113.2')]);
	for (const res of refused.slice(0, 10).flat()) assert.equal(res.status, 429);
	const [a, b] = [0, 1].map((k) => median(refused.map((pair) => pair[k].ms)));
	t.diagnostic(`told to wait: ${a.toFixed(2)} ms and ${b.toFixed(2)} ms`);
	assert.ok(b / a > 0.4 && b / a < 2.5, `${a} ms against ${b} ms`);
});
