// SPDX-License-Identifier: Apache-2.0
//
// What the CLI makes of the files that providers let a developer download; the doctor; and what shells and man(1) get.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { alter } from './lib/adversary.mjs';
import { BUILD, freePort, run } from './lib/process.mjs';
import { startService } from './lib/api.mjs';
import { Service, workspace } from './lib/service.mjs';

const GOOGLE = {
	client_id: '1-a.apps.googleusercontent.com', project_id: 'p', auth_uri: 'https://accounts.google.com/o/oauth2/auth',
	token_uri: 'https://oauth2.googleapis.com/token', auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
	client_secret: 'GOCSPX-canary', redirect_uris: ['https://app.example/cb'], javascript_origins: ['https://app.example'],
};
const urls = { authorizationUrl: 'https://p.example/a', tokenUrl: 'https://p.example/t' };

const list = (service) => service.expect(200, 'GET', '/oauth/authenticators');

async function world(t) {
	const service = await startService(t);
	await service.configureCli();
	const file = (name, content) => {
		const path = join(service.dir, name);
		writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
		return path;
	};
	return { service, file };
}

test('import takes what providers give out', async (t) => {
	const { service, file } = await world(t);
	const cases = [
		['web.json', { web: GOOGLE }, { name: 'Google', authenticator_type: 'google', client_id: GOOGLE.client_id, token_url: 'https://oauth2.googleapis.com/token',
			authorize_url: 'https://accounts.google.com/o/oauth2/v2/auth' }],
		['installed.json', { installed: GOOGLE }, { name: 'Google', authenticator_type: 'google' }],
		['camel.json', { clientId: 'c', clientSecret: 's', displayName: 'Camel', ...urls }, { name: 'Camel', authenticator_type: 'custom', client_id: 'c', token_url: 'https://p.example/t' }],
		['plain.json', { name: 'Plain', authenticator_type: 'github', client_id: 'c', client_secret: 's', scopes: ['repo'] }, { name: 'Plain', authenticator_type: 'github', scopes: ['repo'] }],
		['typed.json', { displayName: 'Typed', provider: 'slack', clientId: 'c', clientSecret: 's' }, { name: 'Typed', authenticator_type: 'slack' }],
	];
	for (const [name, content, wanted] of cases) {
		const path = file(name, content);
		const tried = await service.cli(['app', 'oauth', 'import', path, '--dry-run']);
		assert.equal(tried.code, 0, `${name}: ${tried.stderr}`);
		assert.match(tried.stdout, /Would register/);
		assert.deepEqual(await list(service), [], 'a dry run stores nothing');
		const res = await service.cli(['app', 'oauth', 'import', path]);
		assert.equal(res.code, 0, `${name}: ${res.stderr}`);
		const [made] = await list(service);
		for (const [key, value] of Object.entries(wanted)) assert.deepEqual(made[key], value, `${name}: ${key}`);
		assert.doesNotMatch(res.stdout + res.stderr + tried.stdout + tried.stderr, /GOCSPX-canary/);
		await service.expect(200, 'DELETE', `/oauth/authenticators/${made.id}`);
	}
	const several = await service.cli(['app', 'oauth', 'import', file('all.json', cases.filter(([n]) => n !== 'installed.json').map(([, c]) => c))]);
	assert.equal(several.code, 0, several.stderr);
	assert.deepEqual((await list(service)).map((a) => a.name).sort(), ['Camel', 'Google', 'Plain', 'Typed']);
	const again = await service.cli(['app', 'oauth', 'import', join(service.dir, 'web.json')]);
	assert.equal(again.code, 0, again.stderr);
	assert.match(again.stdout, /nothing was changed/);
});

test('import refuses what it would have to guess', async (t) => {
	const { service, file } = await world(t);
	for (const [content, words] of [
		[{ clientId: 'c', clientSecret: 's' }, /does not say which provider/],
		['{"web": ', /is no JSON/], ['[]', /holds 0 entries/], ['[5]', /no object/], [{ clientSecret: 's', ...urls }, /client_id/],
	]) {
		const res = await service.cli(['app', 'oauth', 'import', file('x.json', content)]);
		assert.equal(res.code, 1, res.stdout);
		assert.match(res.stderr, words);
	}
	assert.equal((await service.cli(['app', 'oauth', 'import', join(service.dir, 'none.json')])).code, 1);
	const typed = await service.cli(['app', 'oauth', 'import', file('y.json', { clientId: 'c', clientSecret: 's' }), '--type=github']);
	assert.equal(typed.code, 0, typed.stderr);
	assert.equal((await list(service))[0].authenticator_type, 'github');
});

test('doctor says what is fine, what is odd and what to mend', async (t) => {
	const { service } = await world(t);
	const look = async () => {
		const res = await service.cli(['doctor', '--json']);
		return { code: res.code, findings: JSON.parse(res.stdout), of: (f) => JSON.parse(res.stdout).filter(({ finding }) => finding === f) };
	};
	const empty = await look();
	assert.equal(empty.code, 0);
	assert.match(empty.of('warning')[0].what, /no authenticator yet/);
	await service.expect(201, 'POST', '/oauth/authenticators', { json: { name: 'GitHub', authenticator_type: 'github', client_id: 'c', client_secret: 's' } });
	const fine = await look();
	assert.equal(fine.code, 0, JSON.stringify(fine.findings));
	assert.deepEqual(fine.of('problem'), []);
	assert.ok(fine.findings.some(({ what }) => /provider's console must list .*\/auth\/callback\//.test(what)));
	await alter(service, "UPDATE oauth_authenticators SET client_failures = 1, paused_cause = 'invalid_client', paused_until = 9999999999999");
	chmodSync(join(service.dir, 'home/.fiberwise/configs/e2e.json'), 0o644);
	const bad = await look();
	assert.equal(bad.code, 1);
	assert.match(bad.of('problem').map(({ mend }) => mend).join('\n'), /chmod 600[^]*--client-secret=-/);
	const text = await service.cli(['doctor']);
	assert.equal(text.code, 1);
	assert.match(text.stdout, /mend {5}/);
	assert.match(text.stderr, /2 things to mend/);
	await service.stop('SIGTERM');
	const gone = await look();
	assert.equal(gone.code, 1);
	assert.match(gone.of('problem').map(({ what }) => what).join(), /nothing answers/);
});

test('doctor without any instance', async (t) => {
	const service = new Service(workspace(t), await freePort());
	const res = await service.cli(['doctor']);
	assert.equal(res.code, 1);
	assert.match(res.stdout, /instance/);
});

test('completion and the manual page are made from the table', async () => {
	const fiber = join(BUILD, 'fiber');
	const words = async (...typed) => (await run('bash', ['-c', `source <(${fiber} completion bash)
		COMP_WORDS=(fiber "$@"); COMP_CWORD=$#; compopt() { :; }; _fiber; echo "\${COMPREPLY[*]}"`, '-', ...typed])).stdout.trim().split(' ');
	assert.deepEqual(await words('app', 'oauth', 'imp'), ['import']);
	assert.ok((await words('app', 'oauth', 'update', 'Google', '--sc')).includes('--scopes='));
	assert.ok((await words('')).includes('doctor'));
	assert.deepEqual(await words('doctor', '--client'), ['']);
	assert.equal((await run(fiber, ['completion', 'zsh'])).stdout.startsWith('#compdef fiber'), true);
	const other = await run(fiber, ['completion', 'fish']);
	assert.equal(other.code, 2);
	assert.match(other.stderr, /fiber completion bash/);
	const page = (await run(fiber, ['man'])).stdout;
	for (const word of ['import', 'doctor', 'update\\-authenticator', '\\-\\-client\\-secret', 'EXIT STATUS']) assert.ok(page.includes(word), word);
});
