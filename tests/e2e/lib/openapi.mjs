// SPDX-License-Identifier: Apache-2.0
//
// What an answer may be, by web/openapi.json. Members that it does not describe are faults of the description.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { ROOT } from './process.mjs';

export const openapi = JSON.parse(readFileSync(join(ROOT, 'web/openapi.json'), 'utf8'));

// The same without any member beside those described, wherever members are.
function closed(schema) {
	if (Array.isArray(schema)) return schema.map(closed);
	if (schema === null || typeof schema !== 'object') return schema;
	const own = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
	return schema.properties && schema.additionalProperties === undefined && !Array.isArray(schema.properties)
		? { ...own, additionalProperties: false } : own;
}

const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema({ $id: 'api', components: { schemas: closed(openapi.components.schemas) } });
const checks = new Map();

function checkOf(schema) {
	const key = JSON.stringify(schema);
	if (!checks.has(key)) checks.set(key, ajv.compile(JSON.parse(key.replaceAll('"#/', '"api#/'))));
	return checks.get(key);
}

const resolved = (thing) => (thing?.$ref ? thing.$ref.slice(2).split('/').reduce((at, part) => at[part], openapi) : thing);

// A literal segment beats a parameter, as in the router.
export function operationOf(method, path) {
	const parts = path.split('?')[0].split('/').filter(Boolean);
	const fits = Object.keys(openapi.paths).filter((pattern) => {
		const wanted = pattern.split('/').filter(Boolean);
		return wanted.length === parts.length && wanted.every((w, i) => w === parts[i] || w.startsWith('{'));
	});
	const literals = (pattern) => pattern.split('/').filter((w) => !w.startsWith('{')).length;
	const best = fits.filter((p) => openapi.paths[p][method.toLowerCase()]).sort((a, b) => literals(b) - literals(a))[0];
	return best && openapi.paths[best][method.toLowerCase()];
}

// What the server answers before it knows which operation is meant.
const OF_ANY_REQUEST = [405, 408, 411, 414, 417, 431, 501, 505];

// Asserts that this answer to a described request is a described answer. Returns whether there was something to assert.
export function assertDescribed({ status, body, what, text }) {
	const [method, path] = what.split(' ');
	const operation = operationOf(method, path);
	if (!operation || body === undefined || OF_ANY_REQUEST.includes(status)) return false;
	const answer = resolved(operation.responses[status]);
	assert.ok(answer, `${what}: openapi.json does not describe ${status}: ${text}`);
	const check = checkOf(answer.content['application/json'].schema);
	assert.ok(check(body), `${what} ${status}: ${ajv.errorsText(check.errors)} in ${text}`);
	return true;
}

// What the examples say must fit what the schemas say.
export function badExamples() {
	const bad = [];
	for (const [path, methods] of Object.entries(openapi.paths)) {
		for (const [method, operation] of Object.entries(methods)) {
			const bodies = [operation.requestBody, ...Object.values(operation.responses).map(resolved)].filter(Boolean);
			for (const body of bodies) {
				const { schema, example } = body.content['application/json'];
				const check = checkOf(schema);
				if (!check(example)) bad.push(`${method} ${path}: ${ajv.errorsText(check.errors)}`);
			}
		}
	}
	return bad;
}
