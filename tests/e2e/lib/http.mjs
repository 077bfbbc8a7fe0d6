// SPDX-License-Identifier: Apache-2.0
//
// One request, one connection: nothing is pooled, so a request never rides on a socket to a process
// that was killed a moment ago.

import { request } from 'node:http';

// Resolves to { status, headers, body }; body is parsed where it is JSON.
export function ask(url, { method = 'GET', headers = {}, json, form, timeoutMs = 20000 } = {}) {
	return new Promise((resolve, reject) => {
		let payload;
		if (json !== undefined) payload = JSON.stringify(json);
		else if (form !== undefined) payload = new URLSearchParams(form).toString();
		const req = request(url, {
			method,
			agent: false,
			headers: {
				...(json !== undefined ? { 'content-type': 'application/json' } : {}),
				...(form !== undefined ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
				...(payload !== undefined ? { 'content-length': Buffer.byteLength(payload) } : {}),
				...headers,
			},
		}, (res) => {
			const parts = [];
			res.on('data', (part) => parts.push(part));
			res.on('error', reject);
			res.on('end', () => {
				const text = Buffer.concat(parts).toString('utf8');
				const isJson = /^application\/json/.test(res.headers['content-type'] ?? '');
				resolve({
					status: res.statusCode, headers: res.headers, text,
					body: isJson && text !== '' ? JSON.parse(text) : text,
				});
			});
		});
		req.setTimeout(timeoutMs, () => req.destroy(new Error(`${method} ${url}: no answer in ${timeoutMs} ms`)));
		req.on('error', reject);
		req.end(payload);
	});
}
