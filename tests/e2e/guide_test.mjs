// SPDX-License-Identifier: Apache-2.0
//
// The developer guide's command lines (tests/guide/commands.txt), word for word, each against a server of its own with the files
// that it names beside it. What a reader is meant to fill in comes from the table here; client ids that a line leaves out come
// from the environment. Afterwards the API says whether there is what the guide says.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Adversary, comeBack, consent, Jar, register } from './lib/adversary.mjs';
import { BUILD, freePort, ROOT, run } from './lib/process.mjs';
import { needBuild, Service, workspace } from './lib/service.mjs';

const GUIDE = join(ROOT, 'tests/guide');
const GMAIL = 'https://www.googleapis.com/auth/gmail.readonly';

const lines = readFileSync(join(GUIDE, 'commands.txt'), 'utf8').split(/\n\n+/).map((block) => block.split('\n').filter((l) => !l.startsWith('#')).join('\n').trim())
	.filter(Boolean);

// The files that the lines name, in the directory where they run.
const FILES = {
	'google-authenticator.json': 'google.json', 'dev-google.json': 'minimal.json', 'config.json': 'custom.json', 'test-google.json': 'google.json',
	'microsoft-authenticator.json': 'microsoft.json',
};

// What is printed, and what a reader puts there.
const FILLED = [
	['{authenticator}', 'google'],
	['--client-id="..."', '--client-id="1.apps.googleusercontent.com"'],
	['--client-secret="..."', '--client-secret="GOCSPX-x"'],
	['--scopes="..."', '--scopes="profile,email"'],
	['--to-instance your-instance', '--to-instance production'],
];

const google = (more = {}) => ({ name: 'Google', authenticator_type: 'google', client_id: '9.apps.googleusercontent.com', client_secret: 'GOCSPX-y', scopes: ['email'], ...more });

// For each line by its first words: what is there before, and what must hold after it.
const CASES = [
	{ line: '--authenticator-config ./google-authenticator.json', after: async ({ one }) => {
		const made = await one('Google');
		assert.equal(made.client_id, '123456789-abcdef.apps.googleusercontent.com');
		assert.deepEqual(made.scopes, ['openid', 'profile', 'email', GMAIL]);
		assert.equal(made.redirect_uri, 'https://your-app.com/auth/callback/google');
	} },
	{ line: '--authenticator-config ./microsoft-authenticator.json', app: 'my-email-app', after: async ({ one }) => assert.deepEqual((await one('Microsoft')).scopes, ['User.Read', 'Mail.Read', 'Calendars.Read']) },
	{ line: '--authenticator-config ./dev-google.json', after: async ({ one }) => assert.deepEqual((await one('Google')).scopes, ['profile', 'email']) },
	{ line: '--authenticator-config ./config.json', after: async ({ one, res }) => {
		assert.equal((await one('Custom Provider')).token_url, 'https://custom-provider.com/oauth/token');
		assert.match(res.stderr, /POST .*\/oauth\/authenticators/, '--verbose shows the request');
	} },
	{ line: '--authenticator-config ./test-google.json', after: ({ one }) => one('Google') },
	{ line: 'fiber app oauth delete-authenticator google-auth-id', before: async ({ make }) => ({ fill: [['google-auth-id', (await make(google())).id]] }), after: async ({ all }) => assert.deepEqual(await all(), []) },
	{ line: 'fiber app oauth list-authenticators --to-instance production', before: ({ make }) => make(google()), after: ({ res }) => assert.match(res.stdout, /Google/) },
	{ line: '--app-dir ./my-app', app: 'my-app', before: ({ make }) => make(google()), after: ({ res }) => assert.match(res.stdout, /Google/) },
	{ line: 'fiber app oauth list-authenticators --to-instance development', before: ({ make }) => make(google()), after: ({ res }) => assert.match(res.stdout, /Google/) },
	{ line: 'fiber list-authenticators --to-instance', before: ({ make }) => make(google()), after: ({ res }) => assert.match(res.stdout, /Google/) },
	{ line: 'fiber register-authenticator google \\\n  --client-id="123456789', after: async ({ one }) => assert.deepEqual((await one('Google')).scopes, ['profile', 'email', GMAIL]) },
	{ line: 'fiber register-authenticator microsoft', after: async ({ one }) => assert.equal((await one('Microsoft')).client_id, '12345678-1234-1234-1234-123456789abc') },
	{ line: 'fiber register-authenticator github', after: async ({ one }) => assert.deepEqual((await one('GitHub')).scopes, ['user', 'repo', 'read:org']) },
	{ line: 'fiber register-authenticator google --debug', after: async ({ one, res }) => {
		assert.equal((await one('Google')).client_id, 'from-the-environment.apps.googleusercontent.com');
		assert.match(res.stderr, /POST /, '--debug shows the request');
		assert.ok(!res.stderr.includes('GOCSPX-from-the-environment') && !res.stdout.includes('GOCSPX-from-the-environment'), 'and masks the secret');
	} },
	{ line: 'fiber add-provider google --debug', after: async ({ one }) => assert.equal((await one('Google')).client_id, 'from-the-environment.apps.googleusercontent.com') },
	{ line: 'fiber register-authenticator {authenticator}', after: async ({ one }) => assert.deepEqual((await one('Google')).scopes, ['profile', 'email']) },
	{ line: 'fiber list-authenticators', whole: true, before: ({ make }) => make(google()), after: ({ res }) => assert.match(res.stdout, /Google/) },
	{ line: 'fiber delete-authenticator {authenticator}', before: ({ make }) => make(google()), after: async ({ all }) => assert.deepEqual(await all(), []) },
	{ line: 'fiber update-authenticator {authenticator}', before: ({ make }) => make(google()), after: async ({ one }) => assert.deepEqual((await one('Google')).scopes, ['new', 'scopes']) },
	{ line: 'curl -H', before: (w) => connectedToGoogle(w), after: ({ res }) => assert.equal(JSON.parse(res.stdout)[0].name, 'google') },
	{ line: 'curl -X DELETE', before: (w) => connectedToGoogle(w), after: async ({ res, service }) => {
		assert.equal(JSON.parse(res.stdout).success, true);
		assert.deepEqual(await service.expect(200, 'GET', '/credentials/connections?status=active'), []);
	} },
	{ line: 'ls .fw-data/fw_app_info.json', before: ({ fiber }) => fiber('fiber app init --name Mine --to-instance production'), after: ({ res }) => assert.match(res.stdout, /fw_app_info.json/) },
	{ line: 'tail -f .fiberwise-core/logs/oauth.log', endless: true, after: ({ res }) => assert.equal(JSON.parse(res.stdout.split('\n')[0]).event !== undefined, true) },
];

// An account of the key's own user, at an authenticator called google.
async function connectedToGoogle({ service, t }) {
	const adversary = await new Adversary().start();
	t.after(() => adversary.stop());
	const { id } = await register(service, adversary, { name: 'google' });
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: id, return_to: '/ready' } });
	const end = await comeBack({ jar }, await consent({ authorize: (await jar.post(link.url)).headers.location }));
	assert.equal(end.connected, 'true', `${end.location}`);
}

async function world(t, { app }) {
	const dir = workspace(t);
	const service = new Service(dir, await freePort(), { FIBERWISE_DATA_DIR: join(dir, '.fiberwise-core') });
	service.dataDir = join(dir, '.fiberwise-core');
	t.after(() => service.program?.stop('SIGKILL'));
	await service.start();
	const env = {
		HOME: join(dir, 'home'), PATH: `${BUILD}:${process.env.PATH}`, API_KEY: service.adminKey,
		GOOGLE_CLIENT_ID: 'from-the-environment.apps.googleusercontent.com', GOOGLE_CLIENT_SECRET: 'GOCSPX-from-the-environment',
	};
	const fiber = async (text) => run('bash', ['-c', text], { cwd: dir, env });
	for (const name of ['development', 'staging', 'production']) {
		const res = await fiber(`printf %s "$API_KEY" | fiber account add-config --name ${name} --api-key=- --base-url ${service.url} ${name === 'production' ? '--set-default' : ''}`);
		assert.equal(res.code, 0, res.stderr);
	}
	for (const [name, from] of Object.entries(FILES)) copyFileSync(join(GUIDE, from), join(dir, name));
	let appId = 'default';
	if (app) {
		appId = (await service.expect(201, 'POST', '/apps', { json: { name: app } })).id;
		mkdirSync(join(dir, app, '.fw-data'), { recursive: true });
		writeFileSync(join(dir, app, '.fw-data', 'fw_app_info.json'), JSON.stringify({ app_id: appId }));
	}
	const all = () => service.expect(200, 'GET', `/oauth/authenticators?app_id=${appId}`);
	return {
		t, dir, service, fiber, all,
		make: (body) => service.expect(201, 'POST', '/oauth/authenticators', { json: { app_id: appId, ...body } }),
		one: async (name) => {
			const list = await all();
			assert.equal(list.length, 1, JSON.stringify(list));
			assert.equal(list[0].name, name);
			return list[0];
		},
	};
}

const caseOf = (line) => {
	const fits = CASES.filter((c) => (c.whole ? line === c.line : line.includes(c.line)));
	return fits.sort((a, b) => b.line.length - a.line.length)[0];
};

describe('the guide, line by line', { concurrency: 2 }, () => {
	needBuild();
	for (const line of lines) {
		test(line.replaceAll(/\\?\n */g, ' '), async (t) => {
			const c = caseOf(line);
			assert.ok(c, 'no case says what must hold after this line');
			const w = await world(t, c);
			const { fill = [] } = await c.before?.(w) ?? {};
			const text = [...FILLED, ...fill, [' /api/v1/', ` ${w.service.url}/api/v1/`]].reduce((at, [from, to]) => at.replaceAll(from, to), line);
			const res = await w.fiber(c.endless ? `timeout 1 ${text} || test $? = 124` : text);
			assert.equal(res.code, 0, `${res.stdout}${res.stderr}`);
			await c.after({ ...w, res });
		});
	}
	test('each case has its line', () => {
		const used = new Set(lines.map(caseOf));
		assert.deepEqual(CASES.filter((c) => !used.has(c)).map((c) => c.line), []);
	});
});
