// SPDX-License-Identifier: Apache-2.0
//
// What only a browser can tell (SECURITY-CHECKLIST OA-10, OA-21, WB-06): scripts in stored texts, pages in frames, codes in
// the history.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { comeBack, connect, consent, leave, register } from './lib/adversary.mjs';
import { launch, newPerson } from './lib/browser.mjs';
import { becomeAdministrator } from './lib/flows.mjs';
import { makeGallery } from './lib/gallery.mjs';

const PAYLOADS = [
	'<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '\'-alert(1)-\'', '<svg/onload=alert(1)>', '</title><script>alert(1)</script>',
	'javascript:alert(1)', '{{7*7}}${alert(1)}', '<a href="javascript:alert(1)">x</a>', '" autofocus onfocus="alert(1)', '<iframe srcdoc="<script>alert(1)</script>">',
	'&lt;script&gt;alert(1)&lt;/script&gt;', '<style>*{display:none}</style>', '<base href=//evil.test/>', '<meta http-equiv=refresh content=0;url=//evil.test>',
];

// Opens a page and looks whether anything of a payload has come alive.
async function harmless(person, url, what) {
	await person.page.goto(url);
	await person.page.waitForLoadState();
	const alive = await person.page.evaluate(() => ({
		said: window.said,
		elements: document.querySelectorAll('script:not([src]), iframe, svg, base, meta[http-equiv], img[onerror], [onerror], [onload], [onfocus], a[href^="javascript:"], main style').length,
	}));
	assert.deepEqual(alive, { said: [], elements: 0 }, `${what} on ${url}`);
}

test('WB-06 a script in any stored text stays a text', { timeout: 300000 }, async (t) => {
	const world = await makeGallery(t, await launch(t));
	const { service, adversary } = world;
	const person = await newPerson(world.browser, { userAgent: PAYLOADS[0] });
	person.page.on('dialog', (dialog) => { assert.fail(`a dialog: ${dialog.message()}`); });
	await person.context.addInitScript(() => {
		window.said = [];
		for (const name of ['alert', 'confirm', 'prompt']) window[name] = (text) => { window.said.push(`${name} ${text}`); };
	});
	await becomeAdministrator(person.page, service);
	const settings = `${service.url}/settings/oauth-authenticators`;
	let shown = 0;
	for (const [i, payload] of PAYLOADS.entries()) {
		// The names that a developer chooses: of an app, of an authenticator, of a user, of an account that is expected.
		const app = await service.expect(201, 'POST', '/apps', { json: { name: payload } });
		const authenticator = await register(service, adversary, { name: `${payload} ${i}`, app_id: app.id, scopes: ['a'] });
		const link = await service.expect(201, 'POST', '/credentials/connect-links',
			{ json: { authenticator: authenticator.id, app_id: app.id, user: payload, return_to: '/', expect_account: payload } });
		await harmless(person, link.url, payload);
		assert.ok((await person.page.textContent('main')).includes(payload), `${payload} is shown as it is`);
		await harmless(person, `${settings}/${app.id}`, payload);
		if ((await person.page.textContent('main')).includes(payload)) shown += 1;
		// The words of a provider: whose account it is, and why it says no.
		const own = await register(service, adversary, { name: `own ${i}` });
		await adversary.script({ endpoint: 'userinfo', answer: { set: { email: payload, name: payload, sub: `s${i}` } } });
		const flow = await leave(service, own, { user: `u${i}` });
		const end = await comeBack(flow, await consent(flow));
		assert.equal(end.connected, 'true', end.res.text);
		await adversary.script();
		const no = await leave(service, own, { user: `v${i}` });
		const back = new URL(await consent(no));
		back.searchParams.delete('code');
		back.searchParams.set('error', payload);
		back.searchParams.set('error_description', payload);
		back.searchParams.set('error_uri', payload);
		const refused = await comeBack(no, back.href);
		if (refused.location) await harmless(person, refused.location.href, payload);
		// And the address bar, which is anybody's.
		const q = encodeURIComponent(payload);
		for (const path of [`/settings/oauth-authenticators?connected=false&error=${q}&authenticator=${q}&error_description=${q}`, `/connect/result?error=${q}`,
			`/login?next=${q}`, `/${q}`, `/static/${q}`, `/connect/${q}`, `/admin-link/${q}`, `/auth/callback/${q}?error=${q}&state=${q}`]) {
			await harmless(person, `${service.url}${path}`, payload);
		}
	}
	assert.ok(shown > PAYLOADS.length / 2, 'the names were on the page: this test would have seen them come alive');
	assert.deepEqual(person.complaints.filter((c) => !/Content Security Policy/.test(c)), []);
});

// The settings show only what the one who looks has connected: so the administrator connects each account, in the browser.
test('WB-06 whose account it is, and the scopes that were not granted, stay texts', { timeout: 300000 }, async (t) => {
	const world = await makeGallery(t, await launch(t));
	const { service, adversary } = world;
	const person = await newPerson(world.browser);
	await person.context.addInitScript(() => {
		window.said = [];
		for (const name of ['alert', 'confirm', 'prompt']) window[name] = (text) => { window.said.push(`${name} ${text}`); };
	});
	await becomeAdministrator(person.page, service);
	const shown = { account: 0, scope: 0 };
	for (const [i, payload] of PAYLOADS.entries()) {
		const scope = payload.replace(/[ "\\]/g, '/'); // what RFC 6749 lets a scope hold
		const app = await service.expect(201, 'POST', '/apps', { json: { name: `App ${i}` } });
		const authenticator = await register(service, adversary, { app_id: app.id, scopes: ['a', scope] });
		await adversary.script({ endpoint: 'userinfo', answer: { set: { email: payload, name: payload, sub: `own${i}` } } },
			{ endpoint: 'token', answer: { set: { scope: 'a' } } });
		const page = `${service.url}/settings/oauth-authenticators/${app.id}`;
		await person.page.goto(page);
		await person.page.getByRole('button', { name: `Connect ${authenticator.authenticator_name ?? authenticator.name}` }).click();
		await person.page.waitForURL(/connected=true/);
		await harmless(person, page, payload);
		const text = await person.page.textContent('main');
		if (text.includes(payload)) shown.account += 1;
		if (text.includes(scope)) shown.scope += 1;
	}
	assert.deepEqual(shown, { account: PAYLOADS.length, scope: PAYLOADS.length });
	person.calm();
});

test('WB-06 the hook sees a script that does run', async (t) => {
	const server = createServer((req, res) => res.setHeader('content-type', 'text/html').end(`<main>${PAYLOADS[1]}</main>`)).listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(() => { server.closeAllConnections(); server.close(); });
	const person = await newPerson(await launch(t));
	await person.context.addInitScript(() => { window.said = []; window.alert = (text) => { window.said.push(`alert ${text}`); }; });
	await assert.rejects(harmless(person, `http://127.0.0.1:${server.address().port}/`, 'planted'), /planted/);
});

test('OA-21 no page can be put into a frame', async (t) => {
	const world = await makeGallery(t, await launch(t));
	const { service } = world;
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: 'Practice', user: 'framed', return_to: '/' } });
	const person = await newPerson(world.browser);
	await becomeAdministrator(person.page, service);
	const pages = [link.url, `${service.url}/login`, `${service.url}/settings/oauth-authenticators`, `${service.url}/docs`, world.link,
		`${service.url}/api/v1/credentials/auth/initiate/Practice?return_to=/`, `${service.url}/connect/result?connected=true`, `${service.url}/no/such/page`];
	let target;
	const server = createServer((req, res) => res.setHeader('content-type', 'text/html').end(req.url === '/plain' ? '<main>a page without our headers</main>'
		: `<iframe src="${target}" width=600 height=400></iframe><object data="${target}"></object><embed src="${target}">`)).listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(() => { server.closeAllConnections(); server.close(); });
	const elsewhere = `http://127.0.0.1:${server.address().port}`;
	// What is to be read in all frames of the page.
	const inFrames = async () => {
		await person.page.waitForTimeout(250);
		const texts = await Promise.all(person.page.frames().slice(1).map((frame) => frame.evaluate(() => document.body?.innerText ?? '').catch(() => '')));
		return texts.join('\n');
	};
	const fromElsewhere = async (url) => {
		target = url;
		await person.page.goto(elsewhere);
		return inFrames();
	};
	assert.match(await fromElsewhere(`${elsewhere}/plain`), /a page without our headers/, 'what is framed is read: this test would see it');
	for (const url of pages) {
		const ours = /Connect an account|Choose a password|Sign in|OAuth Authenticators|HTTP API|Connected|Not found|FiberWise/;
		assert.doesNotMatch(await fromElsewhere(url), ours, url);
		// And into a document of our own, in which somebody could put an element.
		await person.page.goto(`${service.url}/login`);
		await person.page.evaluate((src) => { document.body.append(Object.assign(document.createElement('iframe'), { src })); }, url);
		assert.doesNotMatch(await inFrames(), ours, `${url} in a page of ours`);
	}
});

test('OA-10 neither history nor Referer has a code', async (t) => {
	const world = await makeGallery(t, await launch(t));
	const { service, adversary } = world;
	const seen = [];
	const landing = createServer((req, res) => {
		seen.push({ url: req.url, referer: req.headers.referer ?? '' });
		res.setHeader('content-type', 'text/html').end('<main>landed</main><a href="/next">next</a>');
	}).listen(0, '127.0.0.1');
	await once(landing, 'listening');
	t.after(() => { landing.closeAllConnections(); landing.close(); });
	const at = `http://127.0.0.1:${landing.address().port}/`;
	const app = await service.expect(201, 'POST', '/apps', { json: { name: 'history', return_to: [at] } });
	const authenticator = await register(service, adversary, { app_id: app.id });
	const link = await service.expect(201, 'POST', '/credentials/connect-links',
		{ json: { authenticator: authenticator.id, app_id: app.id, user: 'h', return_to: `${at}done` } });
	const person = await newPerson(world.browser);
	const visited = [];
	person.page.on('framenavigated', (frame) => visited.push(frame.url()));
	await person.page.goto(link.url);
	await person.page.getByRole('button', { name: /Continue to/ }).click();
	await person.page.waitForURL(/\/done/);
	const [{ code }] = (await adversary.record('token')).map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
	assert.ok(code);
	assert.equal(new URL(person.page.url()).searchParams.get('connected'), 'true');
	for (const url of visited) assert.ok(!url.includes(code), `the history has ${url}`);
	for (const { url, referer } of seen) assert.ok(!`${url} ${referer}`.includes(code) && !/state=|callback/.test(referer), `${url} ${referer}`);
	const devtools = await person.context.newCDPSession(person.page);
	const { entries } = await devtools.send('Page.getNavigationHistory');
	assert.ok(entries.length >= 2, 'the history has the link and where it ended');
	for (const { url, userTypedURL } of entries) assert.ok(!`${url} ${userTypedURL}`.includes(code), `the history has ${url}`);
	await person.page.getByRole('link', { name: 'next' }).click();
	await person.page.waitForURL(/\/next/);
	const next = seen.find(({ url }) => url === '/next');
	assert.ok(next.referer && !/code=|state=/.test(next.referer), `Referer: ${next.referer}`);
	await person.page.goBack().catch(() => {});
	assert.ok(!person.page.url().includes(code));
});
