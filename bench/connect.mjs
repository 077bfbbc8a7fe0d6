// SPDX-License-Identifier: Apache-2.0
//
// The connect flow: how long the user waits for us. Counted are the two requests that make the flow, pressing Connect and
// the callback, on a fresh TCP connection each; in the callback is the code exchange with a provider that answers at once.

import assert from 'node:assert/strict';
import { comeBack, consent, Jar, register } from '../tests/e2e/lib/adversary.mjs';
import { median, round } from './lib/stats.mjs';
import { inWorld } from './lib/world.mjs';

async function timed(work) {
	const began = performance.now();
	const value = await work();
	return [performance.now() - began, value];
}

async function oneFlow(service, authenticator, i) {
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: authenticator.id, user: `user-${i}`, return_to: '/ready' } });
	await jar.get(link.url);
	const [startMs, start] = await timed(() => jar.post(link.url));
	assert.equal(start.status, 303, start.text);
	const authorize = new URL(start.headers.location);
	authorize.searchParams.set('login_hint', `account-${i}`);
	const callback = await consent({ authorize: authorize.href });
	const [callbackMs, end] = await timed(() => comeBack({ jar }, callback));
	assert.equal(end.connected, 'true', end.res.text);
	return { start_ms: startMs, callback_ms: callbackMs, both_ms: startMs + callbackMs };
}

export async function connect({ quick, say }) {
	return inWorld({ workers: 2 }, async ({ service, adversary }) => {
		const authenticator = await register(service, adversary);
		const flows = [];
		for (let i = 0; i < (quick ? 30 : 200); i += 1) flows.push(await oneFlow(service, authenticator, i));
		const pick = (key) => flows.slice(5).map((flow) => flow[key]);
		const p99 = pick('both_ms').sort((a, b) => a - b)[Math.floor((flows.length - 5) * 0.99)];
		const result = {
			flows: flows.length, start_ms: median(pick('start_ms')), callback_ms: median(pick('callback_ms')),
			both_ms: median(pick('both_ms')), p99_ms: p99,
		};
		say(`${flows.length} flows one after the other: start ${round(result.start_ms, 2)} ms, callback with the exchange `
			+ `${round(result.callback_ms, 2)} ms, together ${round(result.both_ms, 2)} ms, p99 ${round(p99, 2)} ms`);
		return result;
	});
}
