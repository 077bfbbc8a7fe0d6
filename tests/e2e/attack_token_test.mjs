// SPDX-License-Identifier: Apache-2.0
//
// The life of tokens under attack: refresh, refusals, revocation (SECURITY-CHECKLIST §3).
// Against the scripted adversary provider; each test says what must not have happened, too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adversary, bodyOf, CLIENT, connect, count, grantOf, hurry, read, readThrough, register } from './lib/adversary.mjs';
import { adversary, age, ALL, refreshAnswer, service, SHORT, sockets } from './lib/attack.mjs';
import { ask } from './lib/http.mjs';
import { eventually, sleep } from './lib/process.mjs';
import { sweep } from './lib/sweep.mjs';

test('OA-16 RF-06 invalid_client blames the authenticator and keeps the grant', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	for (const status of [400, 401]) {
		await adversary.script(refreshAnswer({ status, error: 'invalid_client' }));
		await sleep(1100);
		const res = await read(service, flow);
		assert.equal(res.status, 502, res.text);
		assert.match(res.text, /client id or secret/);
		assert.ok(Number(res.headers['retry-after']) >= 1);
		const hits = await adversary.hits('token');
		assert.equal((await read(service, flow)).status, 502);
		assert.equal(await adversary.hits('token'), hits, 'the authenticator is paused');
		const { status: paused, paused_cause: cause } = await service.expect(200, 'GET', `/oauth/authenticators/${authenticator.id}`);
		assert.deepEqual([paused, cause], ['paused', 'invalid_client']);
		await hurry(service);
		const grant = await grantOf(service, flow);
		assert.equal(grant.status, 'active');
		assert.equal(grant.generation, 1);
	}
	assert.equal(await count(service, 'oauth_events', `authenticator_id = '${authenticator.id}' AND kind = 'authenticator_paused'`), 1);
	await adversary.reset('script');
	await service.expect(200, 'PATCH', `/oauth/authenticators/${authenticator.id}`, { json: { client_secret: CLIENT.secret } });
	assert.equal((await read(service, flow)).status, 200, 'with a new secret it is asked at once, and the same grant works');
	assert.equal((await service.expect(200, 'GET', `/oauth/authenticators/${authenticator.id}`)).status, 'active');
});

test('RF-01 a refresh token goes to its token endpoint only', async (t) => {
	const evil = await new Adversary().start();
	t.after(() => evil.stop());
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	await age();
	await read(service, flow, ALL);
	const [grant] = await adversary.grants();
	const requests = await adversary.record();
	const secrets = requests.filter((r) => r.endpoint === 'token').map((r) => bodyOf(r).refresh_token).filter(Boolean)
		.concat(grant.live.map((l) => l.refresh_token));
	assert.ok(secrets.length >= 2);
	for (const r of requests) {
		for (const secret of secrets) {
			assert.ok(!r.target.includes(secret), `${r.endpoint} target`);
			if (r.endpoint !== 'token') assert.ok(!`${r.body}${JSON.stringify(r.headers)}`.includes(secret), r.endpoint);
		}
	}
	const texts = {
		token: (await read(service, flow)).text,
		connections: (await service.api('GET', `/credentials/connections?user=${flow.user}`)).text,
		providers: (await service.api('GET', '/apps/default/service-providers')).text,
	};
	const { hits } = sweep(secrets.map((value) => ({ kind: 'refresh token', value })),
		{ dirs: [service.dataDir], except: sockets(), texts });
	assert.deepEqual(hits, []);
	// The endpoint moves: the grant is parted from it, the new one sees nothing.
	await service.expect(200, 'PATCH', `/oauth/authenticators/${authenticator.id}`,
		{ json: { token_url: `${evil.url}/token`, client_secret: CLIENT.secret } });
	await sleep(1100);
	const parted = await read(service, flow);
	assert.equal(parted.status, 409, parted.text);
	assert.equal(parted.body.error, 'needs_reauth');
	assert.equal((await evil.counters()).connections, 0);
	assert.equal((await grantOf(service, flow)).cause, 'client_config');
});

test('RF-02 a new refresh token replaces the old; an absent or empty one keeps it', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	const sent = async () => (await adversary.record('token')).map((r) => bodyOf(r).refresh_token).filter(Boolean);
	const refresh = async () => {
		await age();
		const res = await read(service, flow, ALL);
		assert.equal(res.status, 200, res.text);
	};
	await refresh();
	await refresh();
	const [one, two] = await sent();
	assert.notEqual(one, two, 'the new one replaced the old');
	await adversary.reset('record');
	await adversary.config({ rotation: 'R0', r0_answer: 'absent' });
	await refresh();
	await refresh();
	await adversary.script(refreshAnswer({ set: { refresh_token: '' } }));
	await refresh();
	await refresh();
	const kept = await sent();
	assert.equal(kept.length, 4);
	assert.equal(new Set(kept).size, 1, 'the old one was kept');
	const [grant] = await adversary.grants();
	assert.equal(grant.reuses, 0);
	assert.equal(grant.ended, null);
});

test('RF-03 fifty callers at once after expiry: one refresh, one token for all', async () => {
	await adversary.config({ access_ttl_s: 1, delay_before_ms: 100 });
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	const old = (await adversary.record('token')).length;
	await sleep(1200);
	// The renewed token must outlive the burst, or a late caller would rightly ask for one more.
	await adversary.config({ access_ttl_s: 600 });
	const answers = await Promise.all(Array.from({ length: 50 }, () => read(service, flow)));
	for (const a of answers) assert.equal(a.status, 200, a.text);
	assert.equal(new Set(answers.map((a) => a.body.access_token)).size, 1);
	assert.equal((await adversary.record('token')).length - old, 1, 'one refresh');
	const [grant] = await adversary.grants();
	assert.deepEqual([grant.refreshes, grant.max_in_flight, grant.reuses], [1, 1, 0]);
});

test('RF-05 revoked during a slow refresh: never served, and the provider is told of the new token', async () => {
	await adversary.config({ ...SHORT, delay_before_ms: 100, delay_after_ms: 500 });
	const authenticator = await register(service, adversary);
	// Connected once only, or the provider would not be told at all.
	const flow = await connect(service, authenticator, { account: 'leaving' });
	await sleep(1000);
	const slow = read(service, flow);
	await adversary.wait('token', 2);
	await sleep(250); // the provider has rotated, its answer is under way
	const gone = await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
	assert.equal(gone.success, true);
	assert.equal((await read(service, flow)).status, 404, 'unreadable at once');
	assert.ok([404, 409].includes((await slow).status));
	await adversary.wait('revoke', 2);
	const revoked = (await adversary.record('revoke')).map(bodyOf);
	assert.equal(revoked[0].token_type_hint, 'refresh_token', 'the refresh token first');
	const [grant] = await eventually('the provider ended the grant', async () => {
		const all = await adversary.grants();
		return all[0].ended && all;
	});
	assert.equal(grant.ended, 'revoked');
	assert.equal(grant.reuses, 0);
	await eventually('the tokens are gone', async () => (await count(service, 'oauth_token_grants',
		`authenticator_id = '${authenticator.id}' AND (access_token IS NOT NULL OR refresh_token IS NOT NULL)`)) === 0);
});

test('RF-05 connected again during a slow refresh: the late answer overwrites nothing', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator, { user: 're' });
	await sleep(1100);
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', hit: 1, delay_after_ms: 1500 });
	await adversary.config({ access_ttl_s: 600 });
	const slow = read(service, flow);
	await adversary.wait('token', 2);
	const again = await connect(service, authenticator, { user: 're' });
	assert.equal(again.connection, flow.connection);
	const fresh = (await read(service, flow)).body.access_token;
	const late = await slow;
	assert.ok(late.status === 409 || late.body.access_token === fresh, late.text);
	await sleep(200);
	assert.equal((await read(service, flow)).body.access_token, fresh);
	assert.equal(await count(service, 'oauth_token_grants',
		`authenticator_id = '${authenticator.id}' AND access_token IS NOT NULL`), 1, 'the old grant holds nothing');
});

test('RF-05 the caller hangs up during a slow refresh: the new token is stored all the same', async () => {
	await adversary.config({ ...SHORT, delay_after_ms: 400 });
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	await sleep(1100);
	await adversary.config({ access_ttl_s: 600 });
	const impatient = ask(`${service.url}/api/v1/credentials/connections/${flow.connection}/token?user=${flow.user}`,
		{ headers: { authorization: `Bearer ${service.adminKey}` }, timeoutMs: 100 });
	await assert.rejects(impatient, /no answer/);
	await eventually('the new token is stored', async () => (await grantOf(service, flow)).generation === 2);
	assert.equal((await read(service, flow)).status, 200);
	const [grant] = await adversary.grants();
	assert.deepEqual([grant.refreshes, grant.reuses, grant.ended], [1, 0, null]);
});

test('RF-06 what each refusal means for the grant', async () => {
	const cases = [
		// the answer, what a reader gets, the grant's state after it
		[{ status: 400, error: 'invalid_grant' }, 409, 'needs_reauth'],
		[{ status: 400, error: 'unauthorized_client' }, 502, 'active'],
		[{ status: 429, retry_after: 5 }, 502, 'active'],
		[{ status: 503, retry_after: 5 }, 502, 'active'],
		[{ status: 500 }, 502, 'active'],
		[{ status: 502 }, 502, 'active'],
		[{ status: 504 }, 502, 'active'],
		[{ status: 400, error: 'temporarily_unavailable' }, 502, 'active'],
		[{ status: 400 }, 502, 'active'],
		[{ status: 403 }, 502, 'active'],
		[{ status: 418, body: 'no' }, 502, 'active'],
		[{ status: 400, error: 'invalid_request', error_description: 'retry' }, 502, 'active'],
		[{ status: 500, error: 'invalid_grant' }, 502, 'active'],
	];
	let busy = 0;
	for (const [answer, status, state] of cases) {
		const why = JSON.stringify(answer);
		await adversary.reset();
		await adversary.config(SHORT);
		const authenticator = await register(service, adversary);
		const flow = await connect(service, authenticator);
		await adversary.script(refreshAnswer(answer, { hit: 1 }));
		await sleep(1050);
		const res = await read(service, flow);
		assert.equal(res.status, status, `${why}: ${res.status} ${res.text}`);
		assert.doesNotMatch(res.text, /access_token"/);
		const grant = await grantOf(service, flow);
		assert.equal(grant.status, state, why);
		assert.equal(grant.intent_attempt, '', why);
		assert.equal(await adversary.hits('token'), 2, `${why}: one request for one read`);
		if (state === 'active') {
			const asked = Number(res.headers['retry-after'] ?? 0);
			assert.ok(asked >= (answer.retry_after ?? 0) && asked <= 31, `${why}: Retry-After ${asked}`);
			if (asked > 1) { // the provider is given the time that it asked for, or that a broken server needs
				assert.equal((await read(service, flow)).status, 502, why);
				assert.equal(await adversary.hits('token'), 2, `${why}: not asked again before`);
				busy += 1;
			}
			await hurry(service);
			const next = await read(service, flow);
			assert.equal(next.status, 200, `${why}: the next read refreshes: ${next.text}`);
		} else {
			assert.equal(grant.cause, 'revoked_by_provider');
			assert.deepEqual([res.body.error, res.body.cause], ['needs_reauth', 'revoked_by_provider']);
			assert.equal((await read(service, flow)).body.cause, 'revoked_by_provider');
			assert.equal(await adversary.hits('token'), 2, `${why}: a dead grant is not tried again`);
		}
	}
	assert.ok(busy >= 6, 'those with Retry-After and those with 5xx');
});

test('RF-06 LIFECYCLE §4.7 an answer lost on the wire is uncertain, retried once, and the loss has a name', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	await adversary.script({ endpoint: 'token', grant_type: 'refresh_token', hit: 1, deliver: { bytes: 0, then: 'rst' } });
	await sleep(1050);
	assert.equal((await read(service, flow)).status, 502);
	// Nobody need ask: the one retry comes by itself.
	const end = await eventually('the retry', async () => {
		const res = await read(service, flow);
		return res.status === 409 && res;
	});
	assert.equal(end.body.cause, 'rotation_response_lost');
	const grant = await grantOf(service, flow);
	assert.deepEqual([grant.status, grant.cause], ['needs_reauth', 'rotation_response_lost']);
	const [view] = await service.expect(200, 'GET', `/credentials/connections?user=${flow.user}`);
	assert.deepEqual([view.status, view.cause], ['needs_reauth', 'rotation_response_lost']);
	assert.equal(await count(service, 'oauth_events', `grant_id = '${grant.grant_id}' AND kind = 'needs_reauth'`), 1);
	assert.equal(await adversary.hits('token'), 3, 'code, refresh, one retry');
	assert.equal((await adversary.grants())[0].max_in_flight, 1, 'never beside each other');
});

test('RF-06 provider down: a living token is served with its true life, a dead one is 502, and it heals', async () => {
	await adversary.config({ access_ttl_s: 3 });
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	await sleep(400);
	await adversary.listen(false);
	const alive = await read(service, flow, ALL);
	assert.equal(alive.status, 200, alive.text);
	assert.ok(alive.body.expires_in <= 2);
	await sleep(2800);
	assert.equal((await read(service, flow)).status, 502);
	await adversary.listen(true);
	assert.ok((await readThrough(service, flow)).access_token);
	const grant = await grantOf(service, flow);
	assert.deepEqual([grant.status, grant.uncertain], ['active', 0]);
});

test('RF-07 a burst of reports about one token is one refresh, one about an old token none', async () => {
	await adversary.config({ delay_before_ms: 100 });
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	const { body: rejected } = await read(service, flow);
	const report = (fingerprint) => service.api('POST',
		`/credentials/connections/${flow.connection}/token/rejected?user=${flow.user}`, { json: { fingerprint } });
	for (const res of await Promise.all(Array.from({ length: 200 }, () => report(rejected.fingerprint)))) {
		assert.equal(res.status, 200, res.text);
		assert.doesNotMatch(res.text, /access_token/);
	}
	assert.equal(await adversary.hits('token'), 2, 'the code and one refresh');
	const { body: fresh } = await read(service, flow);
	assert.notEqual(fresh.access_token, rejected.access_token);
	for (const old of [rejected.fingerprint, '0'.repeat(32), 'x']) assert.equal((await report(old)).status, 200);
	assert.equal(await adversary.hits('token'), 2, 'none for an old token');
	const [grant] = await adversary.grants();
	assert.deepEqual([grant.max_in_flight, grant.reuses], [1, 0]);
});

test('RF-08 disconnect: refresh token first, never waits for the provider, errors are not the user\'s', async () => {
	const authenticator = await register(service, adversary);
	for (const [i, rule] of [{}, { answer: { status: 400, error: 'unsupported_token_type' } }, { delay_before_ms: 3000 }].entries()) {
		await adversary.reset('record', 'script');
		await adversary.script({ endpoint: 'revoke', ...rule });
		const flow = await connect(service, authenticator, { user: `bye-${i}`, account: `acc-${i}` });
		const began = Date.now();
		await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
		assert.ok(Date.now() - began < 1000, 'did not wait for the provider');
		assert.equal((await read(service, flow)).status, 404);
		await adversary.wait('revoke', 1);
		const [first] = (await adversary.record('revoke')).map(bodyOf);
		assert.equal(first.token_type_hint, 'refresh_token');
		await eventually('wiped', async () => (await count(service, 'oauth_token_grants',
			`is_revoked = 1 AND (access_token IS NOT NULL OR refresh_token IS NOT NULL)`)) === 0, 15000);
		assert.ok(!first.token.includes('undefined'));
	}
	assert.equal(await count(service, 'oauth_events', 'kind = \'disconnected\' AND cause = \'user_disconnected\''), 4);
});

test('RF-16 each token request has a connection of its own and is sent once when that one dies', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator);
	for (const then of ['half_close', 'close', 'rst']) {
		await adversary.script(refreshAnswer({}, { commit: false, deliver: { bytes: 0, then } }));
		await sleep(1050);
		const before = await adversary.hits('token');
		const res = await read(service, flow);
		assert.equal(res.status, 502, `${then}: ${res.text}`);
		assert.equal(await adversary.hits('token') - before, 1, then);
		await adversary.reset('script');
		assert.equal((await readThrough(service, flow)).access_token?.length > 0, true);
	}
	const requests = await adversary.record('token');
	assert.ok(requests.length >= 7);
	for (const r of requests) assert.equal(r.reused, false);
	assert.equal(new Set(requests.map((r) => r.connection)).size, requests.length);
	assert.equal((await adversary.grants())[0].reuses, 0);
});

test('LG-01 in small: no secret of a connect, a refresh and a disconnect lies about', async () => {
	await adversary.config(SHORT);
	const authenticator = await register(service, adversary);
	const flow = await connect(service, authenticator, { account: 'looked for' });
	const secrets = [CLIENT.secret, flow.state, flow.link.url.split('/').pop(), new URL(flow.callback).searchParams.get('code')];
	for (let i = 0; i < 2; i += 1) {
		const [{ live }] = await adversary.grants();
		secrets.push((await read(service, flow)).body.access_token, live[0].refresh_token);
		await age();
		assert.equal((await read(service, flow, ALL)).status, 200);
	}
	await service.expect(200, 'DELETE', `/credentials/connections/${flow.connection}?user=${flow.user}`);
	await adversary.wait('revoke', 2);
	assert.equal(new Set(secrets).size, 8);
	const { hits, looked } = sweep(secrets.map((value) => ({ kind: 'secret', value })), {
		dirs: [service.dataDir], except: sockets(),
		pids: [service.program.pid, ...service.roles().map(({ pid }) => pid)], texts: { stdout: service.program.lines.join('\n') },
	});
	assert.ok(looked > 10);
	assert.deepEqual(hits, []);
});
