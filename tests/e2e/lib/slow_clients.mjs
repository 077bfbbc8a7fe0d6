// SPDX-License-Identifier: Apache-2.0
//
// A crowd of clients that are slow on purpose (DO-02), as a process of its own, so that whoever measures is not slowed by them:
//
//     slow_clients.mjs <port> <how many> <kinds, comma separated> <new ones a second at most>
//
// Kinds: headers (a line of the head each second), body (a byte of a body each second), read (asks for much, takes
// nothing). Whoever is thrown out comes again. Each comes from one of 200 addresses in 127.0.0.0/8. Sends { open, opened } each second.

import { connect } from 'node:net';

const [port, count, kinds, perSecond] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4].split(','), Number(process.argv[5])];
const TICK_MS = 50;
const begin = {
	headers: 'GET /login HTTP/1.1\r\nHost: slow\r\n',
	body: 'POST /login HTTP/1.1\r\nHost: slow\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n',
	read: 'GET /openapi.json HTTP/1.1\r\nHost: slow\r\n\r\n'.repeat(16),
};
const drip = { headers: 'X-Slow: 1\r\n', body: 'a', read: '' };
const open = new Set();
let opened = 0;

function come() {
	const kind = kinds[opened % kinds.length];
	const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + opened % 200}` });
	opened += 1;
	socket.kind = kind;
	open.add(socket);
	socket.on('connect', () => { socket.write(begin[kind]); if (kind === 'read') socket.pause(); });
	socket.on('error', () => {});
	socket.on('close', () => open.delete(socket));
	if (kind !== 'read') socket.resume();
}

setInterval(() => {
	for (let i = 0; i < perSecond * TICK_MS / 1000 && open.size < count; i += 1) come();
}, TICK_MS);
setInterval(() => {
	for (const socket of open) if (drip[socket.kind]) socket.write(drip[socket.kind]);
	process.send({ open: open.size, opened }, () => {}); // whoever listened may be gone
}, 1000);
process.on('disconnect', () => process.exit(0));
