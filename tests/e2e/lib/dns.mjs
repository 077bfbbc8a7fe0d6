// SPDX-License-Identifier: Apache-2.0
//
// A name server that says what a test wants: `answer(name, type, nth)` gives the addresses for the nth question about that
// name and type ('A' or 'AAAA'), always with a life of zero.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TYPES = { 1: 'A', 28: 'AAAA' };

function packed(address) {
	if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
	const [head, tail] = address.split('::');
	const words = (text) => (text ? text.split(':').map((w) => parseInt(w, 16)) : []);
	const [before, after] = [words(head), words(tail ?? '')];
	const all = [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
	return Buffer.concat(all.map((w) => Buffer.from([w >> 8, w & 255])));
}

function nameAt(message, at) {
	const labels = [];
	let i = at;
	while (message[i] !== 0) {
		labels.push(message.subarray(i + 1, i + 1 + message[i]).toString('latin1'));
		i += 1 + message[i];
	}
	return { name: labels.join('.').toLowerCase(), end: i + 1 };
}

export async function startNameServer(t, address, answer) {
	const socket = createSocket('udp4');
	const seen = new Map();
	socket.on('message', (question, from) => {
		const { name, end } = nameAt(question, 12);
		const type = question.readUInt16BE(end);
		const key = `${name} ${TYPES[type]}`;
		seen.set(key, (seen.get(key) ?? 0) + 1);
		const addresses = TYPES[type] ? answer(name, TYPES[type], seen.get(key)) : [];
		const header = Buffer.from(question.subarray(0, 12));
		header.writeUInt16BE(0x8180, 2);
		header.writeUInt16BE(1, 4);
		header.writeUInt16BE(addresses.length, 6);
		header.writeUInt32BE(0, 8);
		const records = addresses.map((a) => {
			const bytes = packed(a);
			return Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length]), bytes]);
		});
		socket.send(Buffer.concat([header, question.subarray(12, end + 4), ...records]), from.port, from.address);
	});
	socket.bind(53, address);
	await once(socket, 'listening');
	t.after(() => socket.close());
	return { asked: (name, type) => seen.get(`${name} ${type}`) ?? 0 };
}
