// SPDX-License-Identifier: Apache-2.0
//
// Pictures of every page and error state for docs/pages.md: make screenshots.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './lib/browser.mjs';
import { makeGallery, SCENES, walk } from './lib/gallery.mjs';
import { ROOT } from './lib/process.mjs';
import { suiteScope } from './lib/api.mjs';

const SIZES = [[1280, 800], [390, 844]];
const folder = join(ROOT, 'docs/screenshots');

const scope = suiteScope();
try {
	const world = await makeGallery(scope, await launch(scope));
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	await walk(world, async ({ name, dark }, page) => {
		for (const [width, height] of SIZES) {
			await page.setViewportSize({ width, height });
			await page.screenshot({ path: join(folder, `${name}-${width}.png`), fullPage: name !== 'api' });
			if (!dark) continue;
			await page.emulateMedia({ colorScheme: 'dark' });
			await page.screenshot({ path: join(folder, `${name}-dark-${width}.png`), fullPage: true });
			await page.emulateMedia({ colorScheme: 'light' });
		}
		await page.setViewportSize({ width: 1280, height: 800 });
	});
} finally {
	await scope.end();
}
// Half the bytes, and no difference that an eye sees.
execFileSync('pngquant', ['--force', '--ext=.png', '--strip', '--speed=1', '64', ...readdirSync(folder).map((file) => join(folder, file))]);
const dark = SCENES.filter((scene) => scene.dark).map(({ name, about }) => ({ name: `${name}-dark`, about: `${about}, where the system is dark` }));
const row = ({ name, about }) => `| ${about} | <img src="screenshots/${name}-1280.png" width="480" alt="${about}, on a desktop"> | `
	+ `<img src="screenshots/${name}-390.png" width="150" alt="${about}, on a phone"> |`;
writeFileSync(join(ROOT, 'docs/pages.md'), `# Pages\n\nEvery page and error state, at 1280 and at 390 pixels. Made by \`make screenshots\`; do not edit.\n\n`
	+ `| | desktop | phone |\n| --- | --- | --- |\n${[...SCENES, ...dark].map(row).join('\n')}\n`);
