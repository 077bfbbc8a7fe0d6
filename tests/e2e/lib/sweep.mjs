// SPDX-License-Identifier: Apache-2.0
//
// Looks for secrets where none may be: files under directories, what processes show of themselves in
// /proc, and texts. A secret counts as found in the clear, percent-encoded, in hex, and in base64 at
// any of its three alignments (SECURITY-CHECKLIST LG-01).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProc } from './process.mjs';

const SHORTEST = 8;

// base64 of `bytes` standing at offset `shift` of a longer text: the part that doesn't depend on what
// stands beside it.
function inBase64(bytes, shift) {
	const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '');
	const head = Math.ceil((shift * 8) / 6);
	const tail = (shift + bytes.length) % 3 === 0 ? 0 : 1;
	return text.slice(head, text.length - tail);
}

export function shapesOf(value) {
	const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value, 'utf8');
	assert.ok(bytes.length >= SHORTEST, 'a secret this short would be found by chance');
	const shapes = new Map([['clear', bytes], ['hex', Buffer.from(bytes.toString('hex'))],
		['HEX', Buffer.from(bytes.toString('hex').toUpperCase())]]);
	for (const shift of [0, 1, 2]) {
		const text = inBase64(bytes, shift);
		shapes.set(`base64+${shift}`, Buffer.from(text));
		shapes.set(`base64url+${shift}`, Buffer.from(text.replaceAll('+', '-').replaceAll('/', '_')));
	}
	const percent = encodeURIComponent(bytes.toString('utf8'));
	if (!Buffer.isBuffer(value) && percent !== value) shapes.set('percent', Buffer.from(percent));
	return shapes;
}

export function filesUnder(dir) {
	return readdirSync(dir, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}

// secrets: [{ kind, value }]; places: { dirs, except, pids, texts: { name: text } }.
// Returns { hits: ["kind as shape in place"], looked: number of places }.
export function sweep(secrets, { dirs = [], except = [], pids = [], texts = {} }) {
	const places = new Map();
	for (const dir of dirs) {
		for (const file of filesUnder(dir)) if (!except.includes(file)) places.set(file, readFileSync(file));
	}
	for (const pid of pids) {
		for (const name of ['cmdline', 'environ', 'comm']) {
			const text = readProc(pid, name);
			if (text) places.set(`/proc/${pid}/${name}`, Buffer.from(text, 'latin1'));
		}
	}
	for (const [name, text] of Object.entries(texts)) places.set(name, Buffer.from(text));

	const hits = [];
	for (const { kind, value } of secrets) {
		for (const [shape, needle] of shapesOf(value)) {
			for (const [place, content] of places) {
				if (content.includes(needle)) hits.push(`${kind} as ${shape} in ${place}`);
			}
		}
	}
	return { hits, looked: places.size };
}
