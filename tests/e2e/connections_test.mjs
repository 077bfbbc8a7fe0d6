// SPDX-License-Identifier: Apache-2.0
//
// Connections and their tokens against the real provider: two accounts apart, a new token after
// expiry, one refresh for fifty callers, links, disconnect, and a stop in between.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, newPerson, picture } from './lib/browser.mjs';
import { becomeAdministrator, connectByLink, connectOnPage } from './lib/flows.mjs';
import { eventually, freePort, sleep } from './lib/process.mjs';
import { makeWorld, Service } from './lib/service.mjs';

const connectionsOf = (service, user) => service.expect(200, 'GET',
	`/credentials/connections${user ? `?user=${user}` : ''}`);

async function tokenOf(service, ref, query) {
	const res = await service.token(ref, query);
	assert.equal(res.status, 200, res.text);
	assert.equal(res.headers['cache-control'], 'no-store');
	return res.body;
}

test('two accounts of one user are two connections, each with its own token', async (t) => {
	const { service, practice } = await makeWorld(t);
	const { page, calm } = await newPerson(await launch(t));
	await becomeAdministrator(page, service);
	await connectOnPage(page, service, { account: 'ada@example.com' });
	await connectOnPage(page, service, { account: 'grace@example.com' });

	const list = await connectionsOf(service);
	assert.equal(list.length, 2);
	assert.deepEqual(list.map((c) => c.account).sort(), ['ada@example.com', 'grace@example.com']);
	const seen = new Set();
	for (const connection of list) {
		assert.equal(connection.status, 'active');
		const token = await tokenOf(service, connection.id);
		seen.add(token.access_token);
		assert.equal((await practice.whoHas(token.access_token)).body.email, connection.account);
	}
	assert.equal(seen.size, 2);
	const ambiguous = await service.token('Practice');
	assert.equal(ambiguous.status, 409);
	assert.equal(ambiguous.body.error, 'ambiguous');
	assert.doesNotMatch(ambiguous.text, /access_token/);

	// The same account again replaces its tokens and makes no third connection.
	const old = list.find((c) => c.account === 'ada@example.com');
	const before = await tokenOf(service, old.id);
	await connectOnPage(page, service, { account: 'ada@example.com' });
	assert.deepEqual((await connectionsOf(service)).map((c) => c.id).sort(), list.map((c) => c.id).sort());
	assert.notEqual((await tokenOf(service, old.id)).access_token, before.access_token);
	calm();
});

test('a token read after expiry gives a new, working token', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 3 });
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const first = await tokenOf(service, 'practice', { user: 'u1' });
	await sleep(4200);
	assert.equal((await practice.whoHas(first.access_token)).status, 401, 'the first token has expired');
	const second = await tokenOf(service, 'practice', { user: 'u1' });
	assert.notEqual(second.access_token, first.access_token);
	assert.notEqual(second.fingerprint, first.fingerprint);
	assert.ok(second.expires_in > 0 && second.expires_in <= 3, `${second.expires_in}`);
	assert.ok(Date.parse(second.expires_at) > Date.now());
	assert.equal((await practice.whoHas(second.access_token)).status, 200);
	const { refused } = await practice.stats();
	assert.equal(refused, 0, 'the provider saw no reuse');
});

test('fifty callers at once cause one refresh and get the same token', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 40 });
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const first = await tokenOf(service, 'practice', { user: 'u1' });
	// From here on less than nine tenths of the token's life is left, and for four seconds after a
	// refresh more than that.
	await sleep(5000);
	const before = await practice.stats();
	const answers = await Promise.all(Array.from({ length: 50 }, () => tokenOf(service, 'practice', { user: 'u1' })));
	const after = await practice.stats();
	assert.equal(after.refresh_token - before.refresh_token, 1);
	assert.equal(after.token - before.token, 1);
	const tokens = new Set(answers.map((a) => a.access_token));
	assert.equal(tokens.size, 1);
	assert.ok(!tokens.has(first.access_token));
	assert.equal((await practice.whoHas([...tokens][0])).status, 200);
});

test('a connect link connects the person who opens it, once', async (t) => {
	const { service, practice } = await makeWorld(t);
	const browser = await launch(t);
	const person = await newPerson(browser);
	const link = await connectByLink(person.page, service,
		{ user: 'customer-7', account: 'linus', pictures: true });
	assert.equal(new URL(person.page.url()).pathname, '/connect/result');
	const state = await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`);
	assert.equal(state.status, 'connected');
	const [connection] = await connectionsOf(service, 'customer-7');
	assert.equal(state.connection_id, connection.id);
	const token = await tokenOf(service, 'practice', { user: 'customer-7' });
	assert.equal((await practice.whoHas(token.access_token)).body.email, 'linus@example.com');
	assert.deepEqual(await connectionsOf(service), [], 'it belongs to the customer, not to the key\'s owner');
	assert.equal((await service.token('practice', { user: 'nobody' })).status, 404);

	const late = await newPerson(browser);
	await late.page.goto(link.url);
	await picture(late.page, 'connect-link-spent');
	assert.equal(await late.page.getByRole('button').count(), 0, 'a spent link offers nothing to press');
	person.calm();
});

test('a link that was only looked at stays open; the page names app and user', async (t) => {
	const { service, practice } = await makeWorld(t);
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: 'Practice', user: 'customer-8' } });
	const { page } = await newPerson(await launch(t));
	for (let i = 0; i < 2; i++) {
		await page.goto(link.url);
		const text = await page.textContent('main');
		assert.match(text, /customer-8/);
		assert.match(text, /Practice/);
	}
	const { status } = await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`);
	assert.equal(status, 'waiting');
	assert.equal((await practice.stats()).authorization, 0);
});

test('what the person refuses at the provider is no connection', async (t) => {
	const { service, practice } = await makeWorld(t);
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: 'Practice', user: 'customer-9' } });
	const { page } = await newPerson(await launch(t));
	await page.goto(link.url);
	await page.locator('main form button').last().click();
	await page.getByRole('button', { name: 'Cancel' }).click();
	await page.waitForURL((url) => url.origin === service.url && url.searchParams.get('connected') === 'false');
	assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied');
	assert.doesNotMatch(page.url(), /pressed/, 'the provider\'s own words go nowhere');
	await picture(page, 'connect-refused');
	const state = await service.expect(200, 'GET', `/credentials/connect-links/${link.id}`);
	assert.equal(state.status, 'failed');
	assert.equal(state.error, 'access_denied');
	assert.equal((await service.token('practice', { user: 'customer-9' })).status, 404);
	assert.equal((await practice.stats()).token, 0);
});

test('return_to gets the result and nothing of the provider\'s answer', async (t) => {
	const { service } = await makeWorld(t);
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada', return_to: '/ready?own=1' });
	const landed = new URL(page.url());
	assert.equal(landed.pathname, '/ready');
	assert.deepEqual(Object.fromEntries(landed.searchParams),
		{ own: '1', connected: 'true', authenticator: 'Practice', app_id: 'default' });
	for (const bad of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)', 'http://127.0.0.1:1/x']) {
		const res = await service.api('POST', '/credentials/connect-links',
			{ json: { authenticator: 'Practice', user: 'u1', return_to: bad } });
		assert.equal(res.status, 422, `${bad}: ${res.text}`);
		assert.ok(res.body.fields.return_to);
	}
});

test('disconnect: unreadable at once, told to the provider once', async (t) => {
	const { service, practice } = await makeWorld(t);
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const token = await tokenOf(service, 'practice', { user: 'u1' });
	const gone = await service.expect(200, 'DELETE', '/credentials/connections/practice?user=u1');
	assert.equal(gone.success, true);
	assert.equal((await service.token('practice', { user: 'u1' })).status, 404);
	await eventually('the provider was told', async () => (await practice.stats()).revocation === 2);
	await eventually('the token is dead', async () => (await practice.whoHas(token.access_token)).status === 401);
	assert.equal((await practice.stats()).revocation, 2, 'of the refresh token and the access token, each once');
});

test('a stop and a start later the connection still gives tokens', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 3 });
	const { page } = await newPerson(await launch(t));
	await connectByLink(page, service, { user: 'u1', account: 'ada' });
	const first = await tokenOf(service, 'practice', { user: 'u1' });
	assert.equal(await service.stop(), 0, service.program.errors);
	await practice.restart();
	await sleep(3500);
	await service.start();
	const second = await tokenOf(service, 'practice', { user: 'u1' });
	assert.notEqual(second.access_token, first.access_token);
	assert.equal((await practice.whoHas(second.access_token)).status, 200);
});

test('a taken port and a locked data directory are one clear line and exit 1', async (t) => {
	const { service, dir } = await makeWorld(t);
	const key = service.adminKey;
	const samePort = new Service(join(dir, 'other'), service.port, {});
	const sameData = new Service(dir, await freePort(), {});
	samePort.dir = dir;
	for (const [what, rival, words] of [['port', samePort, /port|address|listen/i], ['data', sameData, /lock|in use/i]]) {
		await assert.rejects(rival.start(), undefined, what);
		await rival.program.ended;
		assert.equal(rival.program.child.exitCode, 1, what);
		const said = rival.program.errors.trim().split('\n');
		assert.equal(said.length, 1, rival.program.errors);
		assert.match(said[0], words);
	}
	assert.equal(readFileSync(join(service.dataDir, 'admin.key'), 'utf8').trim(), key);
	await service.expect(200, 'GET', '/oauth/authenticators');
});
