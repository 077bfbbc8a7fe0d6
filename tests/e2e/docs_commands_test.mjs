// SPDX-License-Identifier: Apache-2.0
//
// The commands on the pages for users are run, page by page, against a real service with the practice provider beside it, where
// one account is connected already: what needs a person is told in words there. A block of commands is marked ```sh; any other
// has a mark of its own, so that none is forgotten.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { comeBack, Jar } from './lib/adversary.mjs';
import { signIn, startPractice } from './lib/practice.mjs';
import { BUILD, freePort, ROOT, run } from './lib/process.mjs';
import { needBuild, registerPractice, Service, workspace } from './lib/service.mjs';

const MARKS = ['sh', 'text', 'json'];
const pages = ['README.md', ...['docs', 'docs/providers'].flatMap((dir) => readdirSync(join(ROOT, dir)).filter((f) => f.endsWith('.md')).map((f) => `${dir}/${f}`))];

// [{ mark, text, line }] of a page.
export function blocksOf(text) {
	const blocks = [];
	let open;
	text.split('\n').forEach((line, i) => {
		const fence = /^```(.*)$/.exec(line);
		if (fence && !open) open = { mark: fence[1], lines: [], line: i + 1 };
		else if (fence) { blocks.push({ ...open, text: open.lines.join('\n') }); open = undefined; } else open?.lines.push(line);
	});
	assert.equal(open, undefined, 'a block has no end');
	return blocks;
}

// What is not for a test to run: it starts, builds, or asks a person.
const NOT_RUN = /^(\.\/run|\.\/test|make |sudo |ssh )/;

async function world(t) {
	needBuild();
	const dir = workspace(t);
	const practice = await startPractice(join(dir, 'practice'));
	t.after(() => practice.stop('SIGKILL'));
	const service = new Service(dir, await freePort());
	service.dataDir = join(dir, '.fiberwise-core');
	t.after(() => service.program?.stop('SIGKILL'));
	await service.start();
	await registerPractice(service, practice);
	const jar = new Jar();
	const link = await service.expect(201, 'POST', '/credentials/connect-links', { json: { authenticator: 'practice', return_to: '/ready' } });
	const end = await comeBack({ jar }, await signIn((await jar.post(link.url)).headers.location, 'grace'));
	assert.equal(end.connected, 'true', `${end.location}`);
	symlinkSync(BUILD, join(dir, 'build'));
	writeFileSync(join(dir, 'client_secret.json'), JSON.stringify({ web: { client_id: '1.apps.googleusercontent.com', client_secret: 'GOCSPX-x',
		auth_uri: 'https://accounts.google.com/o/oauth2/auth', token_uri: 'https://oauth2.googleapis.com/token' } }));
	writeFileSync(join(dir, 'google.json'), JSON.stringify({ name: 'Google from a file', authenticator_type: 'google', client_id: '1.apps.googleusercontent.com', client_secret: 'GOCSPX-x' }));
	mkdirSync(join(dir, 'home'));
	const env = { HOME: join(dir, 'home'), PATH: `${BUILD}:${process.env.PATH}` };
	const key = await run('build/fiber', ['account', 'add-config', '--name', 'local', '--api-key=-', '--base-url', service.url, '--set-default'],
		{ cwd: dir, env, input: service.adminKey });
	assert.equal(key.code, 0, key.stderr);
	return { dir, env, service };
}

// Runs a page's commands in one shell, from top to bottom; { code, said }.
export async function runPage({ dir, env, service }, text) {
	const commands = blocksOf(text).filter(({ mark }) => mark === 'sh').map((b) => b.text.split('\n').filter((l) => !NOT_RUN.test(l)).join('\n'))
		.map((b) => b.replaceAll('http://127.0.0.1:7001', service.url).replaceAll('--client-secret=-', '--client-secret=typed')
			// curl says with its exit code, too, what the server refused
			.replaceAll(/\bcurl (-s )?/g, 'curl -sS --fail-with-body '));
	const script = join(dir, 'page.sh');
	writeFileSync(script, ['set -e', ...commands].join('\n'));
	const res = await run('bash', ['-x', script], { cwd: dir, env, input: service.adminKey });
	return { code: res.code, said: `${res.stdout}\n${res.stderr}` };
}

describe('the commands of the documents', { concurrency: 2 }, () => {
	for (const name of pages) {
		const text = readFileSync(join(ROOT, name), 'utf8');
		test(`${name}: each block is marked`, () => {
			assert.deepEqual(blocksOf(text).filter(({ mark }) => !MARKS.includes(mark)).map(({ line }) => `${name}:${line}`), []);
		});
		if (blocksOf(text).some(({ mark }) => mark === 'sh')) {
			test(`${name}: each command works`, async (t) => {
				const { code, said } = await runPage(await world(t), text);
				assert.equal(code, 0, said);
			});
		}
	}

	test('a wrong command is noticed', async (t) => {
		const w = await world(t);
		for (const bad of ['fiber app oauth tokens Practice', 'curl -s http://127.0.0.1:7001/api/v1/nothing', 'fiber app oauth token Nobody\nfiber doctor']) {
			const { code } = await runPage(w, `\`\`\`sh\n${bad}\n\`\`\`\n`);
			assert.notEqual(code, 0, bad);
		}
	});
});
