// SPDX-License-Identifier: Apache-2.0
//
// Requests as bytes, for what no HTTP library would send.

import { connect } from 'node:net';

// Sends `bytes` (a text or pieces of it, each after a pause) on a connection of its own and takes what comes back until the
// other side closes, or nothing came for `quietMs`: { text, closed, heads } with the status of every answer in it.
export function raw(url, bytes, { quietMs = 1500, pauseMs = 20 } = {}) {
	const { hostname, port } = new URL(url);
	return new Promise((resolve) => {
		const socket = connect({ host: hostname, port: Number(port) });
		let text = '';
		let alarm;
		const done = (closed) => {
			clearTimeout(alarm);
			socket.destroy();
			resolve({ text, closed, heads: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])) });
		};
		const quiet = () => { clearTimeout(alarm); alarm = setTimeout(() => done(false), quietMs); };
		socket.setNoDelay(true);
		socket.on('connect', async () => {
			quiet();
			for (const piece of [bytes].flat()) {
				if (socket.writable) socket.write(Buffer.from(piece, 'latin1'));
				await new Promise((next) => { setTimeout(next, pauseMs); });
			}
		});
		socket.on('data', (part) => { text += part.toString('latin1'); quiet(); });
		socket.on('error', () => done(true));
		socket.on('end', () => done(true));
	});
}
