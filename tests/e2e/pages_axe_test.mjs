// SPDX-License-Identifier: Apache-2.0
//
// Every page and error state, at 390 and 1280 pixels, light and dark: nothing that axe calls a mistake, nothing that sticks
// out, everything within reach of the keyboard. And the way to a connection needs no script.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { launch, newPerson } from './lib/browser.mjs';
import { makeGallery, SCENES, walk } from './lib/gallery.mjs';
import { connectByLink, connectOnPage, signIn } from './lib/flows.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [[1280, 800], [390, 844], [1920, 1080]];

// What axe finds on the page as it is: ["rule: element", …].
async function mistakes(page, options = {}) {
	await page.evaluate(AXE);
	const { violations } = await page.evaluate((o) => window.axe.run(document, { resultTypes: ['violations'], ...o }), options);
	return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target }) => `${id} (${impact}): ${target}`));
}

// Everything that a mouse can press is met by the tab key and shows that it was.
async function unreachable(page) {
	const wanted = await page.locator('a[href]:visible, button:visible, input:visible:not([type=hidden])').count();
	const met = new Set();
	await page.evaluate(() => { document.activeElement?.blur(); });
	for (let i = 0; i < wanted + 5; i += 1) {
		await page.keyboard.press('Tab');
		const { key, outline } = await page.evaluate(() => {
			const e = document.activeElement;
			const all = [...document.querySelectorAll('a[href], button, input')];
			return { key: all.indexOf(e), outline: getComputedStyle(e).outlineStyle };
		});
		if (key >= 0) {
			assert.notEqual(outline, 'none', `focus does not show on element ${key} of ${page.url()}`);
			met.add(key);
		}
	}
	return wanted - met.size;
}

for (const colorScheme of ['light', 'dark']) {
	test(`axe finds nothing on any page (${colorScheme})`, { timeout: 400000 }, async (t) => {
		const world = await makeGallery(t, await launch(t));
		const found = [];
		let looked = 0;
		await walk(world, async ({ name }, page) => {
			for (const [width, height] of SIZES) {
				await page.setViewportSize({ width, height });
				// The description of the API is a hundred times as long as the others: once is enough. Only colours differ in the dark.
				if (width < 1920 && (name !== 'api' || (width === 390) === (colorScheme === 'light'))) {
					found.push(...(await mistakes(page, colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {})).map((m) => `${name} at ${width}: ${m}`));
				}
				const { inner, scroll } = await page.evaluate(() => ({ inner: window.innerWidth, scroll: document.scrollingElement.scrollWidth }));
				if (scroll > inner) found.push(`${name} is ${scroll} px wide on a screen of ${inner}`);
				looked += 1;
			}
			await page.setViewportSize({ width: 1280, height: 800 });
			if (colorScheme === 'light' && name !== 'api') {
				const left = await unreachable(page);
				if (left > 0) found.push(`${name}: ${left} controls are out of the keyboard's reach`);
			}
			const { language, headings, title } = await page.evaluate(() => ({
				language: document.documentElement.lang, headings: document.querySelectorAll('h1').length, title: document.title,
			}));
			if (language !== 'en' || headings !== 1 || !title) found.push(`${name}: lang ${language}, ${headings} h1, title "${title}"`);
		}, { settings: { colorScheme } });
		assert.deepEqual(found, []);
		assert.equal(looked, SCENES.length * SIZES.length);
	});
}

test('a mistake that is made on purpose is seen by axe', async (t) => {
	const world = await makeGallery(t, await launch(t));
	const { page } = await newPerson(world.browser);
	await page.goto(`${world.service.url}/login`);
	assert.deepEqual(await mistakes(page), []);
	await page.evaluate(() => {
		document.querySelector('label[for=password]').remove();
		document.querySelector('main p').style.color = '#eee';
	});
	const found = (await mistakes(page)).join('\n');
	assert.match(found, /^label \(critical\)/m);
	assert.match(found, /^color-contrast \(serious\)/m);
});

test('without any script: sign in, connect, disconnect, and a connect link', async (t) => {
	const world = await makeGallery(t, await launch(t));
	const settings = { javaScriptEnabled: false };
	const { page } = await newPerson(world.browser, settings);
	await page.goto(world.link);
	for (const field of await page.locator('input[type=password]').all()) await field.fill('a few words in a row');
	await page.locator('main form button').click();
	await page.context().clearCookies();
	await signIn(page, world.service, { password: 'a few words in a row' });
	await connectOnPage(page, world.service, { account: 'ada@example.com' });
	await page.getByRole('button', { name: 'Disconnect ada@example.com' }).click();
	await page.waitForURL(/disconnected=true/);
	const visitor = await newPerson(world.browser, settings);
	await connectByLink(visitor.page, world.service, { user: 'no-script', account: 'linus@example.com' });
});
