// SPDX-License-Identifier: Apache-2.0
//
// The log is what docs/log.md says: one JSON object a line, with documented events and members only, whatever arrives from outside.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { comeBack, connect, consent, hurry, leave, makeArena, register } from './lib/adversary.mjs';
import { ask } from './lib/http.mjs';
import { eventually, ROOT } from './lib/process.mjs';

// { event: { levels, members } } of the page's table.
function documented() {
	const page = readFileSync(join(ROOT, 'docs/log.md'), 'utf8');
	const rows = [...page.matchAll(/^\| `(\w+)` \| ([a-z, ]+) \|((?: `\w+`,?)*) \| \S.* \|$/gm)];
	assert.ok(rows.length >= 40, 'the table could not be read');
	return Object.fromEntries(rows.map(([, event, levels, members]) => [event,
		{ levels: levels.split(', '), members: [...members.matchAll(/`(\w+)`/g)].map(([, name]) => name) }]));
}

// The same of the source: each LOG() that is not a test's.
function written() {
	const events = {};
	for (const room of readdirSync(join(ROOT, 'src')).filter((d) => statSync(join(ROOT, 'src', d)).isDirectory())) {
		for (const file of readdirSync(join(ROOT, 'src', room)).filter((f) => /^(?!test).*(?<!_test|_bench)\.c$/.test(f))) {
			for (const [, call] of readFileSync(join(ROOT, 'src', room, file), 'utf8').matchAll(/\bLOG\((.*?)\);\n/gs)) {
				const [, name] = /"(\w+)"/.exec(call);
				events[name] ??= new Set();
				for (const [, member] of call.matchAll(/LOG_(?:S|SLICE|I)\("(\w+)"/g)) events[name].add(member);
			}
		}
	}
	return events;
}

const OWN = ['time', 'level', 'role', 'event'];

// Every line, each checked.
function linesOf(service) {
	const bytes = readFileSync(join(service.dataDir, 'logs/oauth.log'));
	assert.ok(bytes.every((b) => b === 0x0a || (b >= 0x20 && b <= 0x7e)), 'only printable ASCII');
	const table = documented();
	return bytes.toString('latin1').trimEnd().split('\n').map((line) => {
		const record = JSON.parse(line);
		assert.equal(JSON.stringify(Object.keys(record).slice(0, 4)), JSON.stringify(OWN), line);
		assert.match(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, line);
		assert.match(record.role, /^(supervisor|init|keeper|courier|clerk|worker \d+)$/, line);
		const event = table[record.event];
		assert.ok(event, `an event that is not in docs/log.md: ${line}`);
		assert.ok(event.levels.includes(record.level), line);
		assert.deepEqual(Object.keys(record).slice(4).filter((member) => !event.members.includes(member)), [], line);
		return record;
	});
}

test('each event of the source is in docs/log.md with its members, and no other', () => {
	const table = documented(), source = written();
	assert.deepEqual(Object.keys(table).sort(), Object.keys(source).sort());
	for (const [event, members] of Object.entries(source)) assert.deepEqual([...table[event].members].sort(), [...members].sort(), event);
});

const HOSTILE = {
	'CR and LF': 'x\r\n{"time":"forged","level":"error"}\r\n',
	LF: 'x\n{"event":"forged"}\n',
	ANSI: '\u001b[2J\u001b]0;forged\u0007\u001b[31m',
	'U+2028': 'a\u2028{"event":"forged"}\u2029b\u0085c',
	bidi: 'a\u202e\u2066forged\u2069\u202c',
	NUL: 'a\u0000{"event":"forged"}',
	'quote and backslash': '","event":"forged","x":"\\',
	'invalid UTF-8': Buffer.from([0x61, 0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0x0a, 0x62]).toString('latin1'),
};

// A request as raw bytes; resolves when the other end has closed.
function raw(service, head) {
	return new Promise((resolve) => {
		const socket = dial(service.port, '127.0.0.1', () => socket.end(Buffer.from(head, 'latin1')));
		socket.on('data', () => {}).on('error', resolve).on('close', resolve);
		socket.setTimeout(5000, () => socket.destroy());
	});
}

test('LG-02 nothing that arrives from outside leaves its line of the log', async (t) => {
	const { service, adversary } = await makeArena(t, { env: { OAUTH_DEBUG: 'true' } });
	const auth = await register(service, adversary);
	for (const [kind, text] of Object.entries(HOSTILE)) {
		const bytes = Buffer.from(text, kind === 'invalid UTF-8' ? 'latin1' : 'utf8').toString('latin1');
		const escaped = [...Buffer.from(bytes, 'latin1')].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('');
		for (const hidden of [bytes, escaped]) {
			await raw(service, `GET /${hidden} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
			await raw(service, `GET /api/v1/credentials/connections/${hidden}/token?user=${hidden}&${hidden}=1 HTTP/1.1\r\nHost: a\r\n`
				+ `Authorization: Bearer ${service.adminKey}\r\nConnection: close\r\n\r\n`);
			await raw(service, `GET /api/v1/apps HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer fw_${hidden}\r\nConnection: close\r\n\r\n`);
			await raw(service, `GET /api/v1/apps HTTP/1.1\r\nHost: a\r\nX-${kind.length}: ${hidden}\r\nCookie: ${hidden}\r\nUser-Agent: ${hidden}\r\n`
				+ `X-Request-Id: ${hidden}\r\nConnection: close\r\n\r\n`);
			await raw(service, `${hidden} / HTTP/1.1\r\n\r\n`);
		}
		await service.api('POST', '/oauth/authenticators', { json: { name: text, authenticator_type: text, client_id: text } });
		await service.api('POST', '/apps', { json: { name: text } });
		await service.api('POST', '/credentials/connect-links', { json: { authenticator: text, user: text, return_to: text, expect_account: text } });
		await service.api('POST', '/auth/login', { key: null, json: { email: text, username: text, password: text } });
		await service.api('POST', '/credentials/auth/nothing', { json: { [text]: text } });
		// The provider says it: in its answer to a code, and in the callback's error.
		await adversary.script({ endpoint: 'token', answer: { status: 400, body: JSON.stringify({ error: text, error_description: text, error_uri: text }) } });
		const flow = await leave(service, auth, { user: `user-${kind.length}` });
		const end = await comeBack(flow, await consent(flow));
		assert.notEqual(end.connected, 'true', kind);
		await adversary.reset('script');
		const other = await leave(service, auth);
		const back = new URL(await consent(other));
		back.searchParams.delete('code');
		back.searchParams.set('error', text);
		back.searchParams.set('error_description', text);
		await ask(back.href);
	}
	// The name of the account, and a refresh that the provider refuses in its own words.
	for (const text of Object.values(HOSTILE)) {
		const flow = await connect(service, auth, { user: 'lost', account: `ann-${text.length}` });
		await adversary.script({ endpoint: 'token', grant_type: 'refresh_token',
			answer: { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: text }) } });
		await service.api('POST', `/credentials/connections/${flow.connection}/token/rejected?user=lost`, { json: { fingerprint: text } });
		await hurry(service);
		await service.token(flow.connection, { user: 'lost', min_ttl: '86400' });
		await adversary.reset('script');
	}
	const records = await eventually('the requests in the log', () => {
		const all = linesOf(service);
		return all.filter((r) => r.event === 'request').length > 100 && all;
	});
	assert.ok(records.some((r) => r.event === 'fetched') && records.some((r) => r.event === 'operation_failed'));
	assert.ok(!records.some((r) => r.event === 'forged' || r.time === 'forged'), 'no line is a stranger\'s');
	assert.equal(await service.stop('SIGTERM'), 0);
	const end = linesOf(service);
	assert.equal(end[0].event, 'sandbox');
	assert.equal(end.at(-1).event, 'service_ended');
});

test('the table of metrics in docs/operations.md is that of the service', async (t) => {
	const { service } = await makeArena(t);
	const { text } = await ask(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.adminKey}` } });
	const kinds = Object.fromEntries([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind]));
	const told = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name, what]) => `| \`${name}\` | ${kinds[name]} | ${what} |`);
	assert.ok(told.length >= 13);
	const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
	assert.deepEqual(page.split('\n').filter((line) => /^\| `fiberwise_\w+` \| (counter|gauge|histogram) \|/.test(line)), told);
});
