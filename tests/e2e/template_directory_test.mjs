// SPDX-License-Identifier: Apache-2.0
//
// An operator's own templates (FIBERWISE_TEMPLATE_DIR) in a running service: every worker takes them in without a restart, a
// broken file is named in the log and changes nothing, and what was registered before stays as it was.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeArena } from './lib/adversary.mjs';
import { eventually } from './lib/process.mjs';

const house = (host, more = {}) => ({
	type: 'house', display_name: 'House', aliases: ['home'], scopes: ['read'], known_scopes: [],
	profile: {
		authorize_url: `https://${host}/a`, token_url: `https://${host}/t`, identity_url: `https://${host}/me`,
		rotation: { class: 'R0' },
	},
	guide: { console_url: 'https://c.example/', steps: ['s'], mistakes: ['m'] },
	sources: [{ url: 'https://d.example/', date: '2026-11', says: 'x' }],
	...more,
});

async function world(t) {
	const dir = mkdtempSync(join(tmpdir(), 'fiberwise-templates-'));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const put = (text) => {
		writeFileSync(join(dir, '.new'), text);
		renameSync(join(dir, '.new'), join(dir, 'house.json'));
	};
	put(JSON.stringify(house('one.example')));
	const { service } = await makeArena(t, { env: { FIBERWISE_TEMPLATE_DIR: dir } });
	return { service, dir, put };
}

const log = (service) => readFileSync(join(service.dataDir, 'logs/oauth.log'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
const urlOf = async (service) => (await service.api('GET', '/oauth/templates/house')).body.token_url;
// Each request may meet another worker: so often it holds that all of them have been met.
const always = async (service, url) => {
	for (let i = 0; i < 10; i += 1) if (await urlOf(service) !== url) return false;
	return true;
};

test('a changed file counts without a restart, and a broken one changes nothing', async (t) => {
	const { service, dir, put } = await world(t);
	const register = (name, type) => service.api('POST', '/oauth/authenticators',
		{ json: { name, authenticator_type: type, client_id: 'c', client_secret: 's' } });
	assert.ok(await always(service, 'https://one.example/t'), 'it is there from the start');
	const first = await register('First', 'home');
	assert.equal(first.status, 201, JSON.stringify(first.body));

	put(JSON.stringify(house('two.example')));
	await eventually('the new text', () => always(service, 'https://two.example/t'));
	const kept = await service.expect(200, 'GET', `/oauth/authenticators/${first.body.id}`);
	assert.equal(kept.token_url, 'https://one.example/t', 'what is stored stays');

	put(JSON.stringify(house('three.example', { sources: [] })));
	await eventually('the log names it', async () => {
		await urlOf(service);
		return log(service).some((l) => l.event === 'template_broken' && /house\.json: template "house": .*sources/.test(l.detail));
	});
	assert.ok(await always(service, 'https://two.example/t'));

	put(JSON.stringify(house('two.example', { requires: ['dpop'] })));
	await eventually('refused', async () => (await register('Second', 'house')).status === 422);
	const refused = await register('Second', 'house');
	assert.match(JSON.stringify(refused.body), /insists on dpop/);

	rmSync(join(dir, 'house.json'));
	await eventually('gone', async () => await always(service, undefined));
	assert.deepEqual(log(service).filter((l) => l.event === 'sandbox_violation'), []);
});
