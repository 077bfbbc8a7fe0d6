// SPDX-License-Identifier: Apache-2.0
//
// What people do on the pages, step by step, for the tests that need it done.

import assert from 'node:assert/strict';
import { picture, signInAtProvider } from './browser.mjs';
import { PASSWORD } from './service.mjs';

// Opens the administrator's link and chooses a password; ends signed in.
export async function becomeAdministrator(page, service, { pictures = false } = {}) {
	await page.goto(await service.adminLink());
	if (pictures) await picture(page, 'admin-link');
	await fillPassword(page, PASSWORD);
	if (pictures) await picture(page, 'admin-password');
	await submit(page);
	await page.waitForURL((url) => !/link|claim|password/.test(url.pathname));
}

// The link's page may ask to go on before it asks for a password.
async function fillPassword(page, password) {
	const fields = page.locator('input[type=password]');
	if (await fields.count() === 0) {
		await submit(page);
		await fields.first().waitFor();
	}
	for (const field of await fields.all()) await field.fill(password);
}

async function submit(page) {
	await page.locator('main form button, main form input[type=submit]').last().click();
}

export async function signIn(page, service, { password = PASSWORD, pictures = false } = {}) {
	await page.goto(`${service.url}/`);
	if (pictures) await picture(page, 'sign-in');
	const name = page.locator('input[name=username], input[name=name], input[name=email], input[name=login]');
	if (await name.count() > 0 && await name.first().inputValue() === '') await name.first().fill('admin');
	await page.locator('input[type=password]').fill(password);
	await submit(page);
}

// Settings → OAuth Authenticators → Connections, by the links a person would follow.
export async function openConnections(page, service) {
	await page.goto(`${service.url}/`);
	await page.getByRole('link', { name: 'Settings' }).or(page.getByRole('link', { name: 'OAuth Authenticators' }))
		.first().click();
	await page.getByRole('link', { name: 'Connections', exact: true }).click();
	await page.getByRole('heading', { name: 'OAuth Authenticators' }).waitFor();
}

export async function connectOnPage(page, service, { account }) {
	await openConnections(page, service);
	await page.getByRole('button', { name: /^Connect (another account of )?Practice$/ }).click();
	await atProvider(page, service);
	await signInAtProvider(page, account);
	await page.waitForURL((url) => url.origin === service.url && url.searchParams.get('connected') === 'true');
}

const atProvider = (page, service) => page.waitForURL((url) => url.origin !== service.url);

// Makes a connect link for an external user, opens it in `page` and connects. Returns the link. Without
// return_to it ends on our own page.
export async function connectByLink(page, service, { user, account, pictures = false, ...more }) {
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: 'Practice', user, ...more } });
	assert.match(link.url, new RegExp(`^${service.url}/connect/`));
	await page.goto(link.url);
	if (pictures) await picture(page, 'connect-link');
	await submit(page);
	await atProvider(page, service);
	await signInAtProvider(page, account);
	await page.waitForURL((url) => url.origin === service.url && url.searchParams.get('connected') === 'true');
	if (pictures) await picture(page, 'connect-result');
	return link;
}
