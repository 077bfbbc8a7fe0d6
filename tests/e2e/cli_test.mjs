// SPDX-License-Identifier: Apache-2.0
//
// The CLI against the running service: instances, authenticators, connect, token, disconnect.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, newPerson, signInAtProvider } from './lib/browser.mjs';
import { BUILD, eventually, Program, sleep } from './lib/process.mjs';
import { makeWorld } from './lib/service.mjs';

const json = (res) => {
	assert.equal(res.code, 0, res.stderr);
	return JSON.parse(res.stdout);
};

async function connectByCli(service, page, account) {
	const program = new Program(join(BUILD, 'fiber'), ['app', 'oauth', 'connect', 'Practice', '--user', 'u1'],
		{ cwd: service.dir, env: { HOME: join(service.dir, 'home') } });
	const link = await eventually('the link', () => program.lines.concat(program.errors.split('\n'))
		.map((l) => /http:\/\/\S+\/connect\/\S+/.exec(l)?.[0]).find(Boolean), 10000);
	await page.goto(link);
	await page.locator('main form button').last().click();
	await signInAtProvider(page, account);
	await program.ended;
	assert.equal(program.child.exitCode, 0, program.errors);
}

test('connect, token, connections and disconnect by CLI', async (t) => {
	const { service, practice } = await makeWorld(t, { accessTokenSeconds: 3 });
	const { page } = await newPerson(await launch(t));
	await service.configureCli();
	await connectByCli(service, page, 'ada');

	const list = json(await service.cli(['--json', 'app', 'oauth', 'connections', '--user', 'u1']));
	assert.equal(list.length, 1);
	assert.equal(list[0].account, 'ada@example.com');
	const first = json(await service.cli(['--json', 'app', 'oauth', 'token', 'Practice', '--user', 'u1']));
	assert.equal((await practice.whoHas(first.access_token)).status, 200);
	await sleep(4200);
	const second = json(await service.cli(['--json', 'app', 'oauth', 'token', 'Practice', '--user', 'u1']));
	assert.notEqual(second.access_token, first.access_token);
	assert.equal((await practice.whoHas(second.access_token)).status, 200);

	const gone = await service.cli(['app', 'oauth', 'disconnect', 'Practice', '--user', 'u1']);
	assert.equal(gone.code, 0, gone.stderr);
	const after = await service.cli(['app', 'oauth', 'token', 'Practice', '--user', 'u1']);
	assert.equal(after.code, 1);
	assert.equal(after.stdout, '');
});

test('register, list, update, delete; the same again is fine, another of that name is not', async (t) => {
	const { service } = await makeWorld(t);
	await service.configureCli();
	const file = join(service.dir, 'github.json');
	const secret = 'a-github-client-secret-for-tests';
	const config = (scopes) => `{
	// comments are allowed
	"name": "GitHub",
	"authenticator_type": "github",
	"client_id": "Iv1.abcdef",
	"client_secret": "\${GITHUB_SECRET_FOR_TEST}",
	"scopes": ${JSON.stringify(scopes)}
}
`;
	writeFileSync(file, config(['read:user']));
	const register = ['app', 'oauth', 'register-authenticator', '--authenticator-config', file];
	const unset = await service.cli(register);
	assert.equal(unset.code, 1);
	assert.match(unset.stderr, /GITHUB_SECRET_FOR_TEST/);
	assert.match(unset.stderr, /\b6\b/, 'the line is named');

	writeFileSync(file, config(['read:user']).replace('${GITHUB_SECRET_FOR_TEST}', secret));
	for (let i = 0; i < 2; i++) {
		const res = await service.cli(register);
		assert.equal(res.code, 0, res.stderr);
		assert.ok(!`${res.stdout}${res.stderr}`.includes(secret));
	}
	writeFileSync(file, config(['repo']).replace('${GITHUB_SECRET_FOR_TEST}', secret));
	const other = await service.cli(register);
	assert.equal(other.code, 1);
	assert.match(other.stderr, /update/);

	const list = json(await service.cli(['--json', 'app', 'oauth', 'list-authenticators']));
	assert.deepEqual(list.map((a) => a.name).sort(), ['GitHub', 'Practice']);
	assert.ok(!JSON.stringify(list).includes(secret));
	const deleted = await service.cli(['app', 'oauth', 'delete-authenticator', 'GitHub', '--yes']);
	assert.equal(deleted.code, 0, deleted.stderr);
	assert.equal(json(await service.cli(['--json', 'app', 'oauth', 'list'])).length, 1);
});

test('instances are private files; an unknown one is told with those that exist', async (t) => {
	const { service } = await makeWorld(t);
	await service.configureCli();
	const file = join(service.dir, 'home/.fiberwise/configs/e2e.json');
	assert.equal(statSync(file).mode & 0o777, 0o600);
	assert.equal(JSON.parse(readFileSync(file)).base_url, service.url);
	const configs = await service.cli(['account', 'list-configs']);
	assert.equal(configs.code, 0, configs.stderr);
	assert.match(configs.stdout, /e2e/);
	assert.ok(!configs.stdout.includes(service.adminKey));
	const unknown = await service.cli(['app', 'oauth', 'list-authenticators', '--to-instance', 'elsewhere']);
	assert.equal(unknown.code, 1);
	assert.match(unknown.stderr, /elsewhere/);
	assert.match(unknown.stderr, /e2e/);
	assert.equal((await service.cli(['app', 'oauth', 'no-such-command'])).code, 2);
	const help = await service.cli([]);
	assert.equal(help.code, 0);
	assert.match(help.stdout, /app oauth token/);
	const app = join(service.dir, 'my-app');
	mkdirSync(app);
	const init = await service.cli(['app', 'init', '--name', 'My app', '--app-dir', app]);
	assert.equal(init.code, 0, init.stderr);
	const { app_id: id } = JSON.parse(readFileSync(join(app, '.fw-data/fw_app_info.json')));
	const apps = await service.expect(200, 'GET', '/apps');
	assert.ok(apps.some((a) => (a.id ?? a.app_id) === id));
});
