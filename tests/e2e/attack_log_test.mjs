// SPDX-License-Identifier: Apache-2.0
//
// Lines that somebody would like to write into our log (SECURITY-CHECKLIST LG-02): whatever comes in by whatever way, a
// record is one line of valid JSON without a control character. And what /ready says when the database does not answer.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
	alter, comeBack, connect, consent, leave, makeArena, read, register,
} from './lib/adversary.mjs';
import { send } from './lib/api.mjs';
import { eventually } from './lib/process.mjs';
import { raw } from './lib/raw.mjs';
import { filesUnder } from './lib/sweep.mjs';

const FORGED = '{"time":"2026-01-01T00:00:00Z","level":"info","event":"forged"}';
const NASTY = [
	`a\r\n${FORGED}`, `a\n${FORGED}\n`, `a\u2028${FORGED}\u2029`, 'a\u001b[2J\u001b]0;owned\u0007', 'a\u202eb\u2066c', 'a\u0000b', 'a"},"event":"forged","x":{"', 'a\\', '\u007f\u0085\u00ad', 'x'.repeat(5000),
];
const BYTES = ['a\xff\xfe\xc0\xaf', 'a\xed\xa0\x80', 'a\xf8\x88\x80\x80\x80', 'a\x80\x9b31m'];

// Every line is one JSON object of printable text, and none is an event of somebody's own.
function looked(files) {
	let lines = 0;
	for (const file of files) {
		const bytes = readFileSync(file);
		// The rest of a preallocated segment is zeros, and nothing but zeros.
		const end = file.endsWith('oauth.log') ? bytes.length : bytes.findLastIndex((b) => b !== 0) + 1;
		const text = bytes.subarray(0, end).toString('latin1');
		assert.ok(text === '' || text.endsWith('\n'), `${file} ends in mid-line`);
		for (const line of text.split('\n').slice(0, -1)) {
			lines += 1;
			assert.doesNotMatch(line, /[\x00-\x1f\x7f]/, `${file}: ${line}`);
			const record = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
			assert.equal(typeof record, 'object');
			assert.notEqual(record.event, 'forged');
			assert.doesNotMatch(line, /\xe2\x80[\xa8\xa9\xae]|\xe2\x81\xa6/, `${file} has a character that moves others: ${line}`);
		}
	}
	return lines;
}

test('LG-02 no input makes a line of its own in log or audit', { timeout: 120000 }, async (t) => {
	const { service, adversary } = await makeArena(t, { env: { OAUTH_DEBUG: 'true' } });
	const own = await register(service, adversary, { name: 'plain' });
	const recorded = [];
	for (const [i, nasty] of NASTY.entries()) {
		const q = encodeURIComponent(nasty);
		const bearer = { authorization: `Bearer ${service.adminKey}` };
		for (const path of [`/${q}`, `/login?next=${q}`, `/connect/${q}`, `/admin-link/${q}`, `/static/${q}`, `/auth/callback/${q}?state=${q}&error=${q}&error_description=${q}`,
			`/api/v1/credentials/connections/${q}/token?user=${q}&app_id=${q}`, `/api/v1/oauth/authenticators/${q}`, `/api/v1/oauth/templates/${q}`, `/api/v1/apps/${q}`]) {
			for (const headers of [{}, bearer]) await send(service.url, path.slice(0, 8000), { headers });
		}
		const json = (path, body, method = 'POST') => send(service.url, `/api/v1${path}`,
			{ method, headers: { ...bearer, 'content-type': 'application/json' }, body: JSON.stringify(body) });
		await json('/auth/login', { name: nasty, password: nasty });
		await json('/apps', { name: nasty, return_to: [nasty] });
		await json('/user/api-keys', { name: nasty, scopes: [nasty] });
		await json('/credentials/connect-links', { authenticator: nasty, user: nasty, return_to: nasty, expect_account: nasty });
		await json('/oauth/authenticators', { name: nasty, authenticator_type: nasty, client_id: nasty, client_secret: nasty, scopes: [nasty], [nasty]: nasty });
		await json('/oauth/authenticators', {
			name: `n${i}`, authenticator_type: 'custom', client_id: 'c', client_secret: 's', scopes: ['a'], authorize_url: nasty, token_url: nasty,
		});
		// What a provider says: an error, whose account it is, why it gives no tokens.
		await adversary.script({ endpoint: 'userinfo', answer: { set: { email: nasty.slice(0, 500), name: nasty.slice(0, 500) } } });
		const flow = await leave(service, own, { user: `u${i}`, account: `a${i}` });
		const back = await comeBack(flow, await consent(flow));
		if (back.connected === 'true') await json('/credentials/connections', {}, 'GET');
		await adversary.script({ endpoint: 'token', answer: { status: 400, error: nasty.slice(0, 500), error_description: nasty.slice(0, 500) } });
		const refused = await leave(service, own, { user: `v${i}` });
		await comeBack(refused, await consent(refused));
		await adversary.script();
		// A user of that name, if there may be one: connected and read, so that the audit log has it.
		const user = nasty.slice(0, 200);
		const link = await json('/credentials/connect-links', { authenticator: own.id, user, return_to: '/ready' });
		if (link.status !== 201) continue;
		const known = await connect(service, own, { user, account: `named ${i}` });
		const got = await read(service, known);
		assert.equal(got.status, 200, got.text);
		recorded.push(got.headers['x-request-id']);
	}
	for (const bytes of [...BYTES, ...NASTY.map((n) => Buffer.from(n, 'utf8').toString('latin1'))]) {
		await raw(service.url, `GET /${bytes} HTTP/1.1\r\nHost: a\r\n\r\n`, { quietMs: 100 });
		await raw(service.url, `GET /health HTTP/1.1\r\nHost: a\r\nUser-Agent: ${bytes}\r\nX-API-Key: ${bytes}\r\nX-Forwarded-For: ${bytes}\r\nConnection: close\r\n\r\n`, { quietMs: 100 });
		await raw(service.url, `GET /api/v1/apps HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bytes}\r\nCookie: fw_session=${bytes}\r\nConnection: close\r\n\r\n`, { quietMs: 100 });
	}
	// And a token, so that there is something in the audit log.
	const good = await connect(service, await register(service, adversary), { user: 'good' });
	assert.equal((await read(service, good)).status, 200);
	await eventually('the log is written', () => readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').includes('"request"'));
	assert.ok(looked([join(service.dataDir, 'logs/oauth.log')]) > 200);
	const audit = filesUnder(join(service.dataDir, 'audit')).filter((f) => f.endsWith('.log'));
	assert.ok(looked(audit) > 0);
	const records = audit.map((f) => readFileSync(f, 'latin1')).join('');
	assert.ok(recorded.length >= 3, `${recorded.length} of these names were taken`);
	for (const id of recorded) assert.ok(records.includes(id), 'a read by such a user is on record');
	assert.throws(() => looked([import.meta.filename]), 'a file of other lines is seen');
});

test('/ready says that the database does not answer, and that it does again', async (t) => {
	const { service } = await makeArena(t);
	const ready = () => send(service.url, '/ready');
	assert.equal((await ready()).status, 200);
	await alter(service, 'ALTER TABLE apps RENAME TO away');
	for (let i = 0; i < 6; i += 1) {
		const { status, body } = await ready();
		assert.deepEqual([status, body.error], [503, 'store_unavailable']);
		assert.match(body.detail, /^the database could not be read or written/);
	}
	assert.equal((await send(service.url, '/health')).status, 200, 'the process lives all the same');
	await alter(service, 'ALTER TABLE away RENAME TO apps');
	for (let i = 0; i < 6; i += 1) assert.equal((await ready()).status, 200);
});
