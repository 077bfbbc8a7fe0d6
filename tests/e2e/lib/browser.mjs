// SPDX-License-Identifier: Apache-2.0
//
// A real Chromium. Every page is watched: a script error, a refusal by the content policy or a request
// to anywhere but loopback fails the test.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const WIDTHS = [[1280, 800], [390, 844]];
const SHOTS = join(import.meta.dirname, '..', 'screenshots');

export async function launch(t) {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		headless: true,
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
	t.after(() => browser.close());
	return browser;
}

// A browser of somebody else: own cookies, nothing shared.
export async function newPerson(browser, settings = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...settings });
	context.setDefaultTimeout(10000);
	const page = await context.newPage();
	const complaints = [];
	page.on('pageerror', (e) => complaints.push(`script error: ${e.message}`));
	page.on('console', (m) => {
		if (/Content Security Policy|Refused to/i.test(m.text())) complaints.push(m.text());
	});
	page.on('request', (r) => {
		const { protocol, hostname } = new URL(r.url());
		if (/^https?:$/.test(protocol) && !['127.0.0.1', 'localhost'].includes(hostname)) {
			complaints.push(`request to ${hostname}`);
		}
	});
	return { context, page, complaints, calm: () => assert.deepEqual(complaints, []) };
}

// A picture at each width; nothing may stick out of a phone.
export async function picture(page, name) {
	mkdirSync(SHOTS, { recursive: true });
	const before = page.viewportSize();
	for (const [width, height] of WIDTHS) {
		await page.setViewportSize({ width, height });
		await page.screenshot({ path: join(SHOTS, `${name}-${width}.png`), fullPage: true });
		const { inner, scroll } = await page.evaluate(() => ({
			inner: window.innerWidth, scroll: document.scrollingElement.scrollWidth,
		}));
		assert.ok(scroll <= inner, `${name} is ${scroll} px wide on a screen of ${inner}`);
	}
	await page.setViewportSize(before);
}

// On the practice provider's page: who you are, and yes.
export async function signInAtProvider(page, account) {
	await page.getByLabel('E-mail or name').fill(account);
	await page.getByRole('button', { name: 'Continue', exact: true }).click();
}
