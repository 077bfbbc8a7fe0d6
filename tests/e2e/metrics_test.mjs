// SPDX-License-Identifier: Apache-2.0
//
// GET /metrics: numbers go up by what was done, whichever process did it, and say nothing of whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
	comeBack, connect, consent, leave, makeArena, read, register,
} from './lib/adversary.mjs';
import { kill, pidOf } from './lib/chaos.mjs';
import { makeApp, send } from './lib/api.mjs';
import { eventually, sleep } from './lib/process.mjs';

const scrape = async (service, key = service.adminKey) => send(service.url, '/metrics', { headers: key ? { authorization: `Bearer ${key}` } : {} });

// { 'name{label}': number } of all samples.
async function numbers(service) {
	const { status, text } = await scrape(service);
	assert.equal(status, 200, text);
	return Object.fromEntries(text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => /^(\S+) (\S+)$/.exec(l)).map(([, name, n]) => [name, Number(n)]));
}

// What `act` adds to these samples, and to no other of the same families.
async function adds(service, wanted, act) {
	const before = await numbers(service);
	await act();
	await eventually(JSON.stringify(wanted), async () => {
		const after = await numbers(service);
		return Object.entries(wanted).every(([name, n]) => after[name] - before[name] === n);
	});
	const after = await numbers(service);
	const families = new Set(Object.keys(wanted).map((name) => name.split('{')[0]));
	for (const name of Object.keys(after)) {
		if (families.has(name.split('{')[0])) assert.equal(after[name] - before[name], wanted[name] ?? 0, name);
	}
}

const READS = (from) => `fiberwise_token_reads_total{from="${from}"}`;
const REFRESHES = (result) => `fiberwise_refreshes_total{result="${result}"}`;
const EXCHANGES = (result) => `fiberwise_code_exchanges_total{result="${result}"}`;
const ANSWERS = (status) => `fiberwise_provider_answers_total{class="${status}"}`;

test('numbers go up by what was done', async (t) => {
	const { service, adversary } = await makeArena(t, { settings: { access_ttl_s: 1 }, env: { FIBERWISE_WORKERS: '1' } });
	const authenticator = await register(service, adversary);
	let flow;
	await adds(service, { [EXCHANGES('ok')]: 1, [ANSWERS('2xx')]: 2 }, async () => { flow = await connect(service, authenticator, { user: 'm' }); });
	await adversary.script({ endpoint: 'token', answer: { status: 400, error: 'invalid_grant' } });
	await adds(service, { [EXCHANGES('refused')]: 1, [ANSWERS('4xx')]: 1 }, async () => {
		const no = await leave(service, authenticator, { user: 'n' });
		assert.equal((await comeBack(no, await consent(no))).connected, 'false');
	});
	await adversary.script();
	await adversary.config({ access_ttl_s: 3600 });
	await sleep(150);
	await adds(service, { [REFRESHES('ok')]: 1, [READS('provider')]: 1, [ANSWERS('2xx')]: 1 }, async () => { await read(service, flow, { min_ttl: 86400 }); });
	await adds(service, { [READS('database')]: 1, [READS('memory')]: 4 }, async () => { for (let i = 0; i < 5; i += 1) assert.equal((await read(service, flow)).status, 200); });
	await eventually('the cache is counted', async () => (await numbers(service)).fiberwise_cached_tokens === 1);
	await adversary.script({ endpoint: 'token', answer: { status: 400, error: 'invalid_grant' } });
	const { body } = await read(service, flow);
	await adds(service, { [REFRESHES('refused')]: 1, 'fiberwise_needs_reauth_total{cause="revoked_by_provider"}': 1 }, async () => {
		await service.api('POST', `/credentials/connections/${flow.connection}/token/rejected?user=m`, { json: { fingerprint: body.fingerprint } });
	});
	await adds(service, { 'fiberwise_role_restarts_total{role="clerk"}': 1 }, async () => {
		kill(pidOf(service, 'clerk'));
		await eventually('a new clerk', () => pidOf(service, 'clerk'));
	});
	// A provider that is not to be reached at a disconnect is told later.
	await adversary.script({ endpoint: 'revoke', answer: { status: 503 } });
	const gone = await connect(service, authenticator, { user: 'gone', account: 'gone' });
	await service.expect(200, 'DELETE', `/credentials/connections/${gone.connection}?user=gone`);
	await eventually('one waits', async () => (await numbers(service)).fiberwise_revocations_waiting === 1);
	await eventually('none is under way', async () => (await numbers(service)).fiberwise_operations === 0);
	const all = await numbers(service);
	assert.equal(all.fiberwise_spooled_answers, 0);
	assert.ok(Math.abs(all.fiberwise_start_time_seconds - Date.now() / 1000) < 600);
	assert.ok(all['fiberwise_audit_writes_total{result="ok"}'] > 5 && all['fiberwise_audit_writes_total{result="failed"}'] === 0);
	assert.ok(all.fiberwise_http_request_seconds_count > 5 && all['fiberwise_http_request_seconds_bucket{le="+Inf"}'] === all.fiberwise_http_request_seconds_count);
	assert.equal(all['fiberwise_build_info{version="0.1.0"}'], 1);
});

test('one count of all workers, which survives their death', async (t) => {
	const { service, adversary } = await makeArena(t);
	const flow = await connect(service, await register(service, adversary), { user: 'm' });
	await adds(service, { [READS('memory')]: 0, [READS('provider')]: 0 }, async () => {});
	const total = async () => { const n = await numbers(service); return n[READS('memory')] + n[READS('database')]; };
	const before = await total();
	for (let i = 0; i < 20; i += 1) assert.equal((await read(service, flow)).status, 200);
	assert.equal(await total(), before + 20, 'whichever worker is asked');
	const old = pidOf(service, 'worker');
	kill(old);
	await eventually('a new worker', () => service.roles().length === 5 && service.roles().every(({ pid }) => pid !== old));
	assert.equal(await total(), before + 20);
});

test('for keys of the platform with the scope admin only, and nobody is named', async (t) => {
	const { service, adversary } = await makeArena(t);
	const app = await makeApp(service, 'an-app-with-a-name');
	const plain = await service.expect(201, 'POST', '/user/api-keys', { json: { name: 'plain', scopes: ['tokens:read', 'audit:read'] } });
	assert.equal((await scrape(service, '')).status, 401);
	assert.equal((await scrape(service, 'fw_nothing')).status, 401);
	assert.equal((await scrape(service, plain.key)).status, 403);
	assert.equal((await scrape(service, app.key)).status, 403, 'an app\'s key, whatever its scopes');
	const flow = await connect(service, await register(service, adversary, { name: 'a-provider-with-a-name' }), { user: 'a-user-with-a-name', account: 'ann-has-a-name' });
	const token = (await read(service, flow)).body.access_token;
	const res = await scrape(service);
	assert.match(res.headers['content-type'], /^text\/plain; version=0\.0\.4/);
	assert.equal(res.headers['cache-control'], 'no-store');
	for (const secret of ['with-a-name', 'has-a-name', token, flow.connection, app.id, service.adminKey]) assert.ok(!res.text.includes(secret), secret);
	assert.doesNotMatch(res.text, /[0-9a-f]{16}/);
});
