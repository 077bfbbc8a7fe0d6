// SPDX-License-Identifier: Apache-2.0
//
// The API's description is true and complete (every answer of the API tests is held against it), and its page needs nothing
// from outside.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRoutes, startService } from './lib/api.mjs';
import { ask } from './lib/http.mjs';
import { assertDescribed, badExamples, openapi, operationOf } from './lib/openapi.mjs';

test('the examples fit the schemas', () => assert.deepEqual(badExamples(), []));

test('a wrong answer would be noticed', () => {
	const answer = (body, status = 200) => () => assertDescribed({ what: 'GET /health', status, body, text: '' });
	assert.ok(answer({ status: 'ok', version: '1' })());
	assert.throws(answer({ status: 'ok' }), /version/);
	assert.throws(answer({ status: 'ok', version: '1', secret: 'x' }), /additional/);
	assert.throws(answer({ status: 'ok', version: 1 }), /string/);
	assert.throws(answer({}, 418), /does not describe 418/);
	assert.equal(operationOf('POST', '/api/v1/oauth/authenticators/validate').operationId, 'validateAuthenticator');
});

test('the description and its page are there for everybody', async (t) => {
	const service = await startService(t);
	const described = await ask(`${service.url}/openapi.json`);
	assert.equal(described.status, 200);
	assert.match(described.headers['content-type'], /^application\/json/);
	assert.deepEqual(JSON.parse(described.text), openapi);
	const page = await ask(`${service.url}/docs`);
	assert.equal(page.status, 200);
	assert.match(page.headers['content-type'], /^text\/html/);
	for (const { path } of readRoutes()) assert.ok(page.text.includes(`<code>${path}</code>`), path);
	assert.doesNotMatch(page.text, /<script|<iframe|(src|href)="(https?:)?\/\//);
	assert.doesNotMatch(page.text, /\[object|undefined/);
	for (const [, id] of page.text.matchAll(/href="#([^"]+)"/g)) assert.ok(page.text.includes(`id="${id}"`), `nothing at #${id}`);
});
