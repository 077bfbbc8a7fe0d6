// SPDX-License-Identifier: Apache-2.0
//
// The rotation classes against a provider that keeps books (LIFECYCLE §3, §4): class × what goes wrong in the midst of a
// refresh. Lost is only what the table of LIFECYCLE §4 allows, and each loss has its name.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Adversary, connect, count, grantOf, hurry, makeArena, read, register } from './lib/adversary.mjs';
import { ALL, refreshAnswer } from './lib/attack.mjs';
import { eventually, sleep } from './lib/process.mjs';

let service;
const cleanups = [];

before(async () => { ({ service } = await makeArena({ after: (fn) => cleanups.unshift(fn) })); });
after(async () => { for (const fn of cleanups) await fn(); });

// What the service is told, what the provider is, and whether an answer that is lost costs the grant.
const classes = {
	R0: { told: 'R0', settings: { rotation: 'R0', r0_answer: 'same' }, bears: true },
	R1: { told: 'R1', settings: { rotation: 'R1' }, bears: true },
	R2: { told: { class: 'R2', window_s: 30 }, settings: { rotation: 'R2', window_ms: 30000, late_reuse_kills: true }, bears: true },
	R3: { told: 'R3', settings: { rotation: 'R3' }, bears: false },
	R4: { told: 'R4', settings: { rotation: 'R4' }, bears: false },
	U: { told: 'U', settings: { rotation: 'R4' }, bears: false },
};

// Each once; `done`: the provider has renewed the grant before it went wrong.
const troubles = {
	'answer lost after the commit': { rule: refreshAnswer(undefined, { deliver: { bytes: 0, then: 'rst' } }), done: true },
	'500 after the commit': { rule: refreshAnswer({ status: 500, body: 'oops' }, { commit: true }), done: true },
	'500 instead of the commit': { rule: refreshAnswer({ status: 500 }), done: false },
	'reset before a byte was read': { rule: { endpoint: 'connect', deliver: { then: 'rst' } }, done: false },
	'answer cut inside the refresh token': { rule: refreshAnswer(undefined, { deliver: { body_bytes: 150, then: 'close' } }), done: true },
	'answer cut behind the refresh token': { rule: refreshAnswer(undefined, { deliver: { body_bytes: -12, then: 'close' } }), done: true, salvaged: true },
};
// The courier waits a minute for an answer: not for every day.
if (process.env.FIBERWISE_LONG_TESTS) {
	troubles['no answer within a minute'] = { rule: refreshAnswer(undefined, { deliver: { bytes: 0, then: 'stall' } }), done: true };
}

async function provider(t, settings) {
	const adversary = await new Adversary().start({ access_ttl_s: 1, ...settings });
	t.after(() => adversary.stop());
	return adversary;
}

// Reads until the outcome is known: a token, or the user's turn.
async function outcome(flow, ms = 10000) {
	return eventually(`the end of ${flow.account}`, async () => {
		const res = await read(service, flow).catch((e) => ({ status: 0, text: e.message }));
		assert.ok([0, 200, 409, 502, 503, 504].includes(res.status), res.text);
		if (res.status === 502) {
			assert.ok(res.headers['retry-after'] === undefined || Number(res.headers['retry-after']) <= 31, res.text);
			// The pause before the one retry of a server that said 500 is half a minute.
			if (res.body.error === 'provider_unreadable') await hurry(service);
		}
		return [200, 409].includes(res.status) && res;
	}, ms);
}

async function suffer(adversary, authenticator, { account, rule }) {
	await adversary.config({ access_ttl_s: 1 });
	const flow = await connect(service, authenticator, { user: account, account });
	await sleep(1050);
	await adversary.config({ access_ttl_s: 600 });
	await adversary.script({ ...rule, hit: 1 });
	const end = await outcome(flow, process.env.FIBERWISE_LONG_TESTS ? 100000 : 20000);
	await adversary.reset('script');
	const [book] = await adversary.grants(`&account=${account}`);
	return { flow, end, book };
}

async function survived({ flow, end, book }, why) {
	assert.equal(end.status, 200, `${why}: ${end.text}`);
	assert.equal(book.ended, null, why);
	// The stored refresh token is one that the provider takes.
	const { refreshes } = book;
	const grant = await grantOf(service, flow);
	assert.deepEqual([grant.status, grant.cause, grant.uncertain], ['active', '', 0], why);
	await sleep(150);
	const again = await service.api('POST', `/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`,
		{ json: { fingerprint: end.body.fingerprint } });
	assert.equal(again.body.refreshed, true, `${why}: ${again.text}`);
	return refreshes;
}

async function wasLostByName({ flow, end, book }, why) {
	assert.equal(end.status, 409, `${why}: ${end.text}`);
	assert.deepEqual([end.body.error, end.body.cause], ['needs_reauth', 'rotation_response_lost'], why);
	const [view] = await service.expect(200, 'GET', `/credentials/connections?user=${flow.user}`);
	assert.deepEqual([view.status, view.cause], ['needs_reauth', 'rotation_response_lost'], why);
	assert.match(view.cause_detail, /lost on the way/);
	const { grant_id: id } = await grantOf(service, flow);
	assert.equal(await count(service, 'oauth_events',
		`grant_id = '${id}' AND kind = 'needs_reauth' AND cause = 'rotation_response_lost'`), 1, why);
	assert.equal(book.refreshes, 1, `${why}: the provider had renewed it once`);
	assert.equal(book.reuses, 1, `${why}: one retry, never a second`);
}

for (const [name, { told, settings, bears }] of Object.entries(classes)) {
	test(`LIFECYCLE §4 ${name}: what goes wrong in a refresh costs only what it must`, async (t) => {
		const adversary = await provider(t, settings);
		const authenticator = await register(service, adversary, { configuration: { rotation: told } });
		let lost = 0;
		for (const [trouble, { rule, done, salvaged }] of Object.entries(troubles)) {
			const why = `${name}, ${trouble}`;
			const seen = await suffer(adversary, authenticator, { account: `${name}-${trouble.replaceAll(' ', '-')}`, rule });
			assert.equal(seen.book.max_in_flight, 1, `${why}: never beside each other`);
			if (bears || !done || salvaged) {
				await survived(seen, why);
				if (salvaged) {
					const { grant_id: id } = await grantOf(service, seen.flow);
					assert.ok(await count(service, 'oauth_events', `grant_id = '${id}' AND cause = 'answer_salvaged'`) >= 1, why);
				}
			} else {
				await wasLostByName(seen, why);
				lost += 1;
			}
		}
		const expected = bears ? 0 : Object.values(troubles).filter((x) => x.done && !x.salvaged).length;
		assert.equal(lost, expected);
	});
}

test('the test can fail: a strict provider taken for a lenient one loses its grant', async (t) => {
	const adversary = await provider(t, { rotation: 'R4' });
	const authenticator = await register(service, adversary, { configuration: { rotation: 'R0' } });
	const { end, book } = await suffer(adversary, authenticator,
		{ account: 'wrongly-R0', rule: troubles['answer lost after the commit'].rule });
	assert.equal(end.status, 409);
	assert.equal(book.ended, 'reuse', 'asked again at once, as R0 bears it, and R4 does not');
});

test('LIFECYCLE §4.7 while the access token lives, a lenient class asks again at once and a strict one waits', async (t) => {
	for (const [told, settings, hits] of [['R1', { rotation: 'R1' }, 3], ['R4', { rotation: 'R4' }, 2]]) {
		const adversary = await provider(t, { ...settings, access_ttl_s: 600 });
		const authenticator = await register(service, adversary, { configuration: { rotation: told } });
		const flow = await connect(service, authenticator, { user: `living-${told}`, account: `living-${told}` });
		const { body: { fingerprint, access_token: first } } = await read(service, flow);
		await adversary.script({ ...troubles['answer lost after the commit'].rule, hit: 1 });
		await service.api('POST', `/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`, { json: { fingerprint } });
		await sleep(1500);
		const res = await read(service, flow, ALL);
		assert.equal(res.status, 200, res.text);
		assert.equal(res.body.access_token === first, told === 'R4', told);
		assert.equal(await adversary.hits('token'), hits, told);
	}
});

test('LIFECYCLE §5.5 an outage asks seldom, and nobody is lost', async (t) => {
	const adversary = await provider(t, { rotation: 'R4' });
	const authenticator = await register(service, adversary, { configuration: { rotation: 'R4' } });
	const flow = await connect(service, authenticator, { user: 'outage', account: 'outage' });
	await sleep(1050);
	await adversary.script(refreshAnswer({ status: 503, retry_after: 2 }));
	const began = Date.now();
	const before = await adversary.hits('token');
	while (Date.now() - began < 5000) {
		const res = await read(service, flow);
		assert.equal(res.status, 502, res.text);
		assert.ok(Number(res.headers['retry-after']) >= 1, res.text);
		await sleep(50);
	}
	const asked = await adversary.hits('token') - before;
	assert.ok(asked >= 1 && asked <= 4, `asked ${asked} times in 5 s`);
	await adversary.reset('script');
	assert.equal((await outcome(flow)).status, 200);
	assert.equal((await adversary.grants())[0].reuses, 0);
});
