// SPDX-License-Identifier: Apache-2.0
//
// tools/test-summary decides what a green run is: a dead program, an empty report and a run without
// tests must not pass for one.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, run } from './lib/process.mjs';
import { workspace } from './lib/service.mjs';

const program = (name, result, stdout = '', stderr = '') => JSON.stringify({
	name, result, stdout, stderr, returncode: result === 'OK' ? 0 : 1,
});
const OK = '[==========] Running 2 test(s).\n[       OK ] a\n[       OK ] b\n';
const RED = '[==========] Running 2 test(s).\n[       OK ] a\n[  FAILED  ] b\n';
const DEAD = '[==========] Running 2 test(s).\n[       OK ] a\n[ RUN      ] b\n';
const node = (pass, fail, cancelled = 0) => `TAP version 13\nok 1 - x\n1..1\n# tests ${pass + fail}\n# pass ${pass}\n`
	+ `# fail ${fail}\n# cancelled ${cancelled}\n# skipped 0\n# todo 0\n`;

const CASES = [
	['cmocka cases are counted one by one', { 'a.json': program('x', 'OK', OK) }, '2 passed, 0 failed'],
	['a failed case, named once', { 'a.json': program('x', 'FAIL', RED, '[  FAILED  ] b\n') }, '1 passed, 1 failed'],
	['a program that died in a case', { 'a.json': program('x', 'FAIL', DEAD) }, '1 passed, 1 failed'],
	['one that ran too long', { 'a.json': program('x', 'TIMEOUT') }, '0 passed, 1 failed'],
	['green cases and a red exit status', { 'a.json': program('x', 'FAIL', OK) }, '2 passed, 1 failed'],
	['a guard without cases', { 'a.json': program('x', 'OK', 'all fine') }, '1 passed, 0 failed'],
	['TAP from a program', { 'a.json': program('x', 'FAIL', 'ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP why\n') },
		'1 passed, 1 failed, 1 skipped'],
	['a skipped program is no pass', { 'a.json': program('x', 'SKIP') }, '0 passed, 1 failed, 1 skipped'],
	['an empty log', { 'a.json': '' }, '0 passed, 1 failed'],
	['a broken log', { 'a.json': '{"name":' }, '0 passed, 1 failed'],
	['node\'s totals', { 'b.tap': node(3, 0) }, '3 passed, 0 failed'],
	['node\'s failures and cancellations', { 'b.tap': node(3, 1, 1) }, '3 passed, 2 failed'],
	['node died', { 'b.tap': 'TAP version 13\nok 1 - x\n' }, '0 passed, 1 failed'],
	['node ran nothing', { 'b.tap': node(0, 0) }, '0 passed, 1 failed'],
	['sums', { 'a.json': program('x', 'OK', OK), 'b.tap': node(3, 0) }, '5 passed, 0 failed'],
	['nothing at all', {}, '0 passed, 1 failed'],
];

for (const [what, files, want] of CASES) {
	test(`summary: ${what}`, async (t) => {
		const dir = workspace(t);
		const paths = Object.entries(files).map(([name, text]) => {
			writeFileSync(join(dir, name), text);
			return join(dir, name);
		});
		const res = await run(join(ROOT, 'tools/test-summary'), paths);
		assert.equal(res.stdout.trim().split('\n').at(-1), want);
		assert.equal(res.code, / 0 failed/.test(want) ? 0 : 1);
	});
}

// What is listed, what ran, and what is said of it.
const ATTACKS = [
	['each was made', 'AA-01 x\nAA-02 y\n', 'ok 1 - AA-01 a\n    ok 1 - AA-02 and AA-01 b\n', 'attacks: 2 of 2', '1 passed, 0 failed'],
	['by a unit test', 'AA-01 x\n', '', 'attacks: 1 of 1', '2 passed, 0 failed', 'test_aa_01_b'],
	['one was not made', '# a list\nAA-01 x\nAA-02 y\n', 'ok 1 - AA-01 a\n', 'attacks: 1 of 2', '1 passed, 1 failed'],
	['one was skipped', 'AA-01 x\n', 'ok 1 - AA-01 a # SKIP why\n', 'attacks: 0 of 1', '1 passed, 1 failed'],
	['one failed', 'AA-01 x\n', 'not ok 1 - AA-01 a\n', 'attacks: 0 of 1', '1 passed, 1 failed'],
	['an empty list', '', '', 'attacks: 0 of 0', '1 passed, 1 failed'],
];

for (const [what, list, lines, told, want, unit] of ATTACKS) {
	test(`summary: of the attacks ${what}`, async (t) => {
		const dir = workspace(t);
		writeFileSync(join(dir, 'list'), list);
		writeFileSync(join(dir, 'a.tap'), `TAP version 13\n${lines}# pass 1\n# fail 0\n`);
		const reports = [join(dir, 'a.tap')];
		if (unit) {
			reports.push(join(dir, 'b.json'));
			writeFileSync(reports[1], program('x', 'OK', `[==========]\n[       OK ] ${unit}\n`));
		}
		const { stdout, code } = await run(join(ROOT, 'tools/test-summary'), ['--attacks', join(dir, 'list'), ...reports]);
		assert.equal(stdout.trim().split('\n').at(-1), want, stdout);
		assert.match(stdout, new RegExp(`^${told}$`, 'm'));
		assert.equal(code, / 0 failed/.test(want) ? 0 : 1);
	});
}

test('summary: a missing report is a failure', async () => {
	const res = await run(join(ROOT, 'tools/test-summary'), ['/nonexistent/e2e.tap']);
	assert.match(res.stdout, /\n0 passed, 1 failed\n$/);
	assert.equal(res.code, 1);
});
