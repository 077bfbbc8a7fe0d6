// SPDX-License-Identifier: Apache-2.0
//
// The practice provider's own page in a real browser: it reads well at both widths, works by keyboard
// alone, and obeys its content policy.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, newPerson, picture } from './lib/browser.mjs';
import { startPractice } from './lib/practice.mjs';
import { workspace } from './lib/service.mjs';

test('practice provider: name, Enter, and back at the client on another site', async (t) => {
	const dir = workspace(t);
	const practice = await startPractice(join(dir, 'practice'));
	t.after(() => practice.stop('SIGKILL'));
	const landed = [];
	const client = createServer((req, res) => {
		landed.push(req.url);
		res.end('landed');
	}).listen(0, '127.0.0.1');
	await once(client, 'listening');
	t.after(() => client.close());
	const redirect = `http://127.0.0.1:${client.address().port}/cb`;
	practice.allowRedirect(redirect);

	const { page, calm } = await newPerson(await launch(t));
	const url = new URL('/auth', practice.issuer);
	url.search = new URLSearchParams({
		client_id: practice.client.client_id, response_type: 'code', redirect_uri: redirect, prompt: 'consent',
		scope: 'openid email profile offline_access', state: 's', code_challenge_method: 'S256',
		code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
	});
	await page.goto(url.href);
	await picture(page, 'practice-sign-in');
	await page.getByLabel('E-mail or name').fill('Ada');
	await page.keyboard.press('Enter');
	await page.waitForURL(`${redirect}?**`);
	assert.match(landed[0], /[?&]code=/);

	await page.goto(url.href);
	await picture(page, 'practice-second-time');
	await page.getByRole('button', { name: 'Continue as ada@example.com' }).click();
	await page.waitForURL(`${redirect}?**`);

	await page.goto(url.href);
	await page.getByRole('button', { name: 'Cancel' }).click();
	await page.waitForURL(/error=access_denied/);
	calm();

	url.searchParams.set('client_id', 'nobody');
	await page.goto(url.href);
	await picture(page, 'practice-refused');
	assert.match(await page.textContent('main'), /refused/);
});
