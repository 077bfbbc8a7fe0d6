// SPDX-License-Identifier: Apache-2.0
//
// What `make run` does for a newcomer: both programs up, introduced to each other, the CLI ready; the
// second start on the same data; both end together; a taken port is one line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from './lib/http.mjs';
import { BUILD, descendants, eventually, freePort, Program, readProc, ROOT, run } from './lib/process.mjs';
import { needBuild, workspace } from './lib/service.mjs';

function settings(dir, port, practicePort) {
	return {
		HOME: join(dir, 'home'),
		FIBERWISE_DATA_DIR: join(dir, 'data'),
		FIBERWISE_LISTEN: `127.0.0.1:${port}`,
		PRACTICE_PORT: String(practicePort),
	};
}

// Until the last line of what it tells.
const startRun = async (env) => {
	const program = new Program(join(ROOT, 'tools/run'), [], { env });
	await eventually('run has told everything', () => {
		assert.ok(program.running, `${program.lines.join('\n')}\n${program.errors}`);
		return program.lines.some((l) => l.includes('Ctrl-C ends both'));
	}, 60000);
	return program;
};

test('./run: two starts, one authenticator, CLI and curl line at once', { skip: BUILD !== join(ROOT, 'build') }, async (t) => {
	needBuild();
	const dir = workspace(t);
	const env = settings(dir, await freePort(), await freePort());
	for (const round of [1, 2]) {
		const program = await startRun(env);
		t.after(() => program.stop('SIGTERM'));
		const text = program.lines.join('\n');
		const key = readFileSync(join(env.FIBERWISE_DATA_DIR, 'admin.key'), 'utf8').trim();
		assert.ok(!text.includes(key), 'the key itself is not printed');
		assert.match(text, /https?:\/\/127\.0\.0\.1:\d+\/\S{16,}/, 'the sign-in link is printed');
		assert.match(text, /ssh -L/);
		const list = await run(join(BUILD, 'fiber'), ['--json', 'app', 'oauth', 'list-authenticators'], { env });
		assert.equal(list.code, 0, list.stderr);
		assert.equal(JSON.parse(list.stdout).length, 1, `round ${round}`);
		assert.equal(readFileSync(join(env.HOME, '.fiberwise/default_config.txt'), 'utf8').trim(), 'local');

		const all = descendants(program.pid);
		assert.ok(all.length >= 7);
		if (round === 1) await program.stop('SIGINT');
		else process.kill(all.find((pid) => /practice\/server/.test(readProc(pid, 'cmdline'))), 'SIGKILL');
		await program.ended;
		await eventually('nothing is left running', () => all.every((pid) => readProc(pid, 'cmdline') === ''), 15000);
		if (round === 2) assert.match(program.errors, /practice provider has ended/);
		await assert.rejects(ask(`http://${env.FIBERWISE_LISTEN}/health`));
	}
});

test('./run: a taken port is one line that names it', { skip: BUILD !== join(ROOT, 'build') }, async (t) => {
	needBuild();
	const dir = workspace(t);
	const squatter = createServer().listen(0, '127.0.0.1');
	await once(squatter, 'listening');
	t.after(() => squatter.close());
	const taken = squatter.address().port;
	for (const env of [settings(dir, taken, await freePort()), settings(dir, await freePort(), taken)]) {
		const res = await run(join(ROOT, 'tools/run'), [], { env });
		assert.equal(res.code, 1);
		assert.match(res.stderr, new RegExp(`^run: port ${taken} is taken[^\n]*\n$`));
	}
});
