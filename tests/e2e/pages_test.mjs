// SPDX-License-Identifier: Apache-2.0
//
// The administrator's way through the pages, as a newcomer goes it: link, password, sign in, Connect,
// the provider, connected, disconnect, sign out. Pictures at 1280 and 390 pixels.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launch, newPerson, picture, signInAtProvider } from './lib/browser.mjs';
import { becomeAdministrator, connectOnPage, openConnections, signIn } from './lib/flows.mjs';
import { ask } from './lib/http.mjs';
import { makeWorld } from './lib/service.mjs';

test('from the administrator\'s link to a connection and back', async (t) => {
	const { service, practice } = await makeWorld(t);
	const browser = await launch(t);
	const { page, context, calm } = await newPerson(browser);

	await becomeAdministrator(page, service, { pictures: true });
	await openConnections(page, service);
	await picture(page, 'connections-empty');
	assert.match(await page.textContent('main'), /Practice/);

	await connectOnPage(page, service, { account: 'ada@example.com' });
	const landed = new URL(page.url());
	assert.equal(landed.searchParams.get('connected'), 'true');
	await picture(page, 'connected');
	await openConnections(page, service);
	await picture(page, 'connections');
	assert.match(await page.textContent('main'), /ada@example\.com/);
	const token = await service.token('Practice');
	assert.equal(token.status, 200, token.text);
	assert.equal((await practice.whoHas(token.body.access_token)).body.email, 'ada@example.com');

	await page.getByRole('button', { name: 'Disconnect ada@example.com' }).click();
	await page.waitForURL(/disconnected=true/);
	await picture(page, 'disconnected');
	await openConnections(page, service);
	assert.doesNotMatch(await page.textContent('main'), /ada@example\.com/);
	assert.equal((await service.token('Practice')).status, 404);

	const cookies = await context.cookies(service.url);
	await page.getByRole('button', { name: /Sign out/i }).first().click();
	await page.waitForURL((url) => !/settings/.test(url.pathname));
	await picture(page, 'signed-out');
	const replay = await ask(`${service.url}/api/v1/user/profile`,
		{ headers: { cookie: cookies.map((c) => `${c.name}=${c.value}`).join('; ') } });
	assert.equal(replay.status, 401, 'the old cookie must be worth nothing');

	await signIn(page, service, { password: 'not the password at all', pictures: true });
	await page.waitForLoadState();
	await picture(page, 'sign-in-wrong');
	assert.ok(await page.locator('input[type=password]').count() > 0, 'a wrong password must not let in');
	await signIn(page, service);
	await openConnections(page, service);
	assert.match(await page.textContent('main'), /Practice/);
	calm();
});

test('an address that another site could have opened asks before it goes to the provider', async (t) => {
	const { service, practice } = await makeWorld(t);
	const { page, calm } = await newPerson(await launch(t));
	await becomeAdministrator(page, service);
	const initiate = `${service.url}/api/v1/credentials/auth/initiate/Practice?return_to=/settings/oauth-authenticators`;
	await page.goto(initiate);
	await picture(page, 'connect-asks');
	assert.equal((await practice.stats()).authorization, 0);
	await page.getByRole('button', { name: 'Continue to Practice' }).click();
	await signInAtProvider(page, 'ada');
	await page.waitForURL((url) => url.origin === service.url && url.searchParams.get('connected') === 'true');
	assert.equal((await service.token('Practice')).status, 200);
	calm();
});

test('the administrator\'s link works once, and a GET spends nothing', async (t) => {
	const { service } = await makeWorld(t);
	const link = await service.adminLink();
	for (let i = 0; i < 2; i++) assert.equal((await ask(link)).status, 200);
	const browser = await launch(t);
	const { page } = await newPerson(browser);
	await becomeAdministrator(page, service);
	const again = await ask(link);
	assert.ok(again.status >= 400, `a spent link answered ${again.status}`);
	const other = await newPerson(browser);
	await other.page.goto(link);
	assert.equal(await other.page.locator('input[type=password]').count(), 0);
	await picture(other.page, 'admin-link-spent');
});

test('without a session the settings lead to sign-in and the API to 401', async (t) => {
	const { service } = await makeWorld(t);
	const { page } = await newPerson(await launch(t));
	for (const path of ['/settings/oauth-authenticators', '/settings']) {
		await page.goto(`${service.url}${path}`);
		assert.doesNotMatch(await page.textContent('body'), /Disconnect|Practice/);
	}
	for (const path of ['/user/profile', '/oauth/authenticators', '/credentials/connections']) {
		assert.equal((await service.api('GET', path, { key: null })).status, 401, path);
	}
	const missing = await page.goto(`${service.url}/no-such-page`);
	assert.equal(missing.status(), 404);
	await picture(page, 'not-found');
});
