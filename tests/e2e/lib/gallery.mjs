// SPDX-License-Identifier: Apache-2.0
//
// Every page and every error state that a person can meet, one after the other. A scene brings its page about as a person
// would and leaves it on the screen; tests look at it, tools/screenshots takes its picture.

import assert from 'node:assert/strict';
import { alter, Adversary, consent, leave, register } from './adversary.mjs';
import { newPerson } from './browser.mjs';
import { becomeAdministrator, connectByLink, connectOnPage, openConnections, signIn } from './flows.mjs';
import { ask } from './http.mjs';
import { freePort } from './process.mjs';
import { makeWorld, Service, workspace } from './service.mjs';

// The service with the practice provider, an adversary for what goes wrong, and an administrator who is signed in.
export async function makeGallery(t, browser) {
	const world = await makeWorld(t);
	await alter(world.service, "UPDATE apps SET name = 'Acme Helpdesk' WHERE app_id = 'default'");
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const other = await register(world.service, adversary, { name: 'Elsewhere' });
	return { ...world, t, browser, adversary, other, link: await world.service.adminLink() };
}

const makeLink = (world, more = {}) => world.service.expect(201, 'POST', '/credentials/connect-links',
	{ json: { authenticator: 'Practice', user: 'user-42', ...more } });

// A person with a browser of their own opens a connect link to the adversary and comes back with what it answers.
async function comeBack(world, page, rule, more = {}) {
	await world.adversary.reset();
	if (rule) await world.adversary.script(rule);
	const link = await makeLink(world, { authenticator: 'Elsewhere', ...more });
	await page.goto(link.url);
	await page.getByRole('button', { name: /Continue to/ }).click();
	await page.waitForURL((url) => /connect\/result|callback/.test(url.pathname));
}

// A service that lets an address ask twice a second.
async function startStrict({ t }) {
	const service = new Service(workspace(t), await freePort(), { FIBERWISE_RATE_ADDRESS: '2' });
	t.after(() => service.end());
	return service.start();
}

// { name, about, status (of its answer, where it is not 200), says (words on it), show(world, page) }; `signedIn`: as the
// administrator; `dark`: has a dark picture, too.
export const SCENES = [
	{ name: 'admin-link', about: 'The administrator’s link, printed at the first start', show: (w, page) => page.goto(w.link) },
	{
		name: 'admin-link-differs', status: 422, about: 'The two passwords differ', show: async (w, page) => {
			await page.goto(w.link);
			await page.locator('#password').fill('a few words in a row');
			await page.locator('#again').fill('a few words in a raw');
			await page.locator('main form button').click();
		},
	},
	{
		name: 'connections-empty', about: 'Signed in, nothing connected yet', signedIn: true,
		show: (w, page) => openConnections(page, w.service),
	},
	{ name: 'admin-link-spent', status: 404, about: 'The link was used already', show: (w, page) => page.goto(w.link) },
	{ name: 'sign-in', about: 'Sign in', dark: true, show: (w, page) => page.goto(`${w.service.url}/login`) },
	{
		name: 'sign-in-wrong', status: 401, about: 'A wrong password',
		show: (w, page) => signIn(page, w.service, { password: 'not the password' }),
	},
	{
		name: 'practice-provider', about: 'At the practice provider', show: async (w, page) => {
			await page.goto((await makeLink(w)).url);
			await page.getByRole('button', { name: /Continue to/ }).click();
			await page.getByLabel('E-mail or name').waitFor();
		},
	},
	{
		name: 'connected', about: 'Back from the provider: connected', signedIn: true,
		show: (w, page) => connectOnPage(page, w.service, { account: 'ada@example.com' }),
	},
	{
		name: 'practice-again', about: 'The practice provider knows an account already', says: /Continue as ada@example\.com/, show: async (w, page) => {
			await page.goto((await makeLink(w)).url);
			await page.getByRole('button', { name: /Continue to/ }).click();
			await page.getByLabel('E-mail or name').waitFor();
		},
	},
	{
		name: 'practice-refused', about: 'The practice provider does not know the client', status: 400, says: /client id/,
		show: (w, page) => page.goto(`${w.practice.issuer}/auth?client_id=nobody&response_type=code`),
	},
	{
		name: 'connections', about: 'Accounts that are connected; one needs a new sign-in', signedIn: true, dark: true, show: async (w, page) => {
			await connectOnPage(page, w.service, { account: 'grace@example.com' });
			await alter(w.service, `UPDATE user_app_oauth_authentications SET auth_status = 'needs_reauth' WHERE account LIKE 'grace%';
				UPDATE oauth_token_grants SET status = 'needs_reauth', cause = 'revoked_by_provider' WHERE grant_id IN
				(SELECT grant_id FROM user_app_oauth_authentications WHERE account LIKE 'grace%')`);
			await openConnections(page, w.service);
		},
	},
	{
		name: 'disconnected', about: 'Disconnected', signedIn: true, show: async (w, page) => {
			await openConnections(page, w.service);
			await page.getByRole('button', { name: 'Disconnect grace@example.com' }).click();
			await page.waitForURL(/disconnected=true/);
		},
	},
	{
		name: 'connect-asks', about: 'Another site led here: nothing goes on without a press', signedIn: true,
		show: (w, page) => page.goto(`${w.service.url}/api/v1/credentials/auth/initiate/Practice?return_to=/settings/oauth-authenticators`),
	},
	{ name: 'connect-link', about: 'A connect link, for a user of an app', show: async (w, page) => page.goto((await makeLink(w)).url) },
	{
		name: 'connect-link-expects', about: 'A connect link for one account', show: async (w, page) => page.goto((await makeLink(w, { expect_account: 'ada@example.com' })).url),
	},
	{
		name: 'connect-result', about: 'Connected by a link', show: (w, page) => connectByLink(page, w.service, { user: 'user-7', account: 'linus@example.com' }),
	},
	{
		name: 'connect-link-expired', status: 404, dark: true, about: 'A link that is too old', show: async (w, page) => {
			const link = await makeLink(w);
			await alter(w.service, 'UPDATE connect_links SET expires_at = 1');
			await page.goto(link.url);
		},
	},
	{
		name: 'connect-link-used', status: 404, about: 'A link that was used', show: async (w, page) => {
			const link = await makeLink(w);
			assert.equal((await ask(link.url, { method: 'POST', form: {}, headers: { origin: w.service.url } })).status, 303);
			await page.goto(link.url);
		},
	},
	{ name: 'provider-says-no', about: 'The account’s owner did not allow it', show: async (w, page) => {
			await page.goto((await makeLink(w)).url);
			await page.getByRole('button', { name: /Continue to/ }).click();
			await page.getByRole('button', { name: /Cancel|Deny|No/ }).click();
			await page.waitForURL(/error=access_denied/);
		} },
	{
		name: 'provider-misconfigured', about: 'The provider does not know client id or secret', says: /client id/, show: (w, page) => comeBack(w, page, { endpoint: 'token', answer: { status: 401, error: 'invalid_client' } }),
	},
	{
		name: 'provider-unreachable', about: 'The provider cannot be reached', says: /could not be reached/, show: async (w, page) => {
			await register(w.service, w.adversary, { name: 'Nowhere', token_url: `http://127.0.0.1:${await freePort()}/token` });
			await comeBack(w, page, null, { authenticator: 'Nowhere' });
		},
	},
	{
		name: 'wrong-account', about: 'Another account than the app expects', says: /not the account/, show: (w, page) => comeBack(w, page, null, { expect_account: 'somebody@else.example' }),
	},
	{
		name: 'other-browser', status: 400, about: 'The answer comes to a browser that did not leave', says: /this browser/,
		show: async (w, page) => page.goto(await consent(await leave(w.service, w.other))),
	},
	{
		name: 'state-expired', status: 400, about: 'The person was at the provider for too long', says: /10 minutes/, show: async (w, page) => {
			await page.goto((await makeLink(w)).url);
			await page.getByRole('button', { name: /Continue to/ }).click();
			await alter(w.service, "UPDATE oauth_sessions SET expires_at = 1 WHERE result = ''");
			await page.getByLabel('E-mail or name').fill('ada@example.com');
			await page.getByRole('button', { name: 'Continue', exact: true }).click();
			await page.waitForURL(/callback/);
		},
	},
	{ name: 'not-found', status: 404, about: 'No such page', show: (w, page) => page.goto(`${w.service.url}/no/such/page`) },
	{
		name: 'stale-form', status: 403, about: 'A form of a page that is out of date', signedIn: true, show: async (w, page) => {
			await openConnections(page, w.service);
			await page.evaluate(() => { for (const field of document.querySelectorAll('[name=form_token]')) field.value = 'x'; });
			await page.getByRole('button', { name: /Sign out/ }).click();
			await page.waitForURL(/logout/);
		},
	},
	{
		name: 'signed-out', about: 'Signed out', signedIn: true, says: /You are signed out/, show: async (w, page) => {
			await openConnections(page, w.service);
			await page.getByRole('button', { name: /Sign out/ }).click();
			await page.waitForURL(/login/);
		},
	},
	{
		name: 'server-error', status: 503, about: 'Something failed on the server', says: /database could not be read[^]*not at your end/, show: async (w, page) => {
			await alter(w.service, 'ALTER TABLE connect_links RENAME TO away');
			await page.goto(`${w.service.url}/connect/${'A'.repeat(43)}`);
			await alter(w.service, 'ALTER TABLE away RENAME TO connect_links');
		},
	},
	{
		name: 'connections-none', about: 'An app for which nothing is registered yet', signedIn: true, says: /No authenticators yet/, show: async (w, page) => {
			const app = await w.service.expect(201, 'POST', '/apps', { json: { name: 'Acme Billing' } });
			await page.goto(`${w.service.url}/settings/oauth-authenticators/${app.id}`);
		},
	},
	{
		name: 'sign-in-slow', status: 429, about: 'After too many wrong passwords', says: /Wait \d+ second/, show: async (w, page) => {
			await page.goto(`${w.service.url}/login`);
			let status = 0;
			for (let i = 0; i < 20 && status !== 429; i += 1) {
				await page.getByLabel('Name').fill('grace');
				await page.getByLabel('Password').fill('not the password');
				const answer = page.waitForResponse(/\/login$/);
				await page.getByRole('button', { name: 'Sign in' }).click();
				status = (await answer).status();
				await page.waitForLoadState();
			}
		},
	},
	{
		name: 'too-many', status: 429, about: 'More requests than one address may make', says: /Too many requests/, show: async (w, page) => {
			const strict = await startStrict(w);
			let status = 0;
			for (let i = 0; i < 60 && status !== 429; i += 1) status = (await page.goto(`${strict.url}/login`)).status();
		},
	},
	{ name: 'api', about: 'The HTTP API, described by the service itself', show: (w, page) => page.goto(`${w.service.url}/docs`) },
];

// Shows each scene and hands it on: look(scene, page). Whoever is signed in keeps one browser, anybody else gets a new one.
export async function walk(world, look, { settings = {}, only = SCENES } = {}) {
	let administrator;
	for (const scene of SCENES) {
		let person;
		if (scene.signedIn) {
			if (!administrator) {
				administrator = await newPerson(world.browser, settings);
				await becomeAdministrator(administrator.page, world.service);
			} else {
				await administrator.page.goto(`${world.service.url}/settings`);
				if (/login/.test(administrator.page.url())) await signIn(administrator.page, world.service);
			}
			person = administrator;
		} else {
			person = await newPerson(world.browser, settings);
		}
		let answered = 0;
		const note = (response) => { if (response.request().isNavigationRequest() && ![303, 302].includes(response.status())) answered = response.status(); };
		person.page.on('response', note);
		await scene.show(world, person.page);
		await person.page.waitForLoadState();
		person.page.off('response', note);
		assert.equal(answered, scene.status ?? 200, `${scene.name}: ${person.page.url()}`);
		if (scene.says) assert.match(await person.page.textContent('main'), scene.says, scene.name);
		if (only.includes(scene)) await look(scene, person.page);
		person.calm();
		if (!scene.signedIn) await person.context.close();
	}
}
