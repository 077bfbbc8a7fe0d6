// SPDX-License-Identifier: Apache-2.0
//
// Which faults there are, and which of them a run takes: every call of every thread of every role can be
// the last one (R-02), or fail with each errno that a kernel may give there (R-04). A point is written
// "role/thread/call/n/fault", as in "clerk/store/fdatasync/3/EIO".

// What writing, syncing and sending is called in this program's libraries, and what else R-04 lets fail.
const CHANGING = ['write', 'writev', 'pwrite64', 'fsync', 'fdatasync', 'sendmsg', 'sendto', 'connect', 'rename'];
const READING = ['read', 'pread64', 'recvmsg', 'recvfrom', 'openat', 'ftruncate', 'fallocate'];

// The roles' own connections know ECONNRESET and EPIPE only from a dead peer, which KILL brings about.
const PAIR = ['EAGAIN', 'EINTR', 'ENOMEM', 'ENOBUFS'];
const STREAM = ['ECONNRESET', 'EAGAIN', 'EINTR', 'ENOMEM'];

const ERRNOS = {
	write: ['EIO', 'ENOSPC', 'EINTR'],
	pwrite64: ['EIO', 'ENOSPC', 'EINTR'],
	fsync: ['EIO', 'ENOSPC'],
	fdatasync: ['EIO', 'ENOSPC'],
	ftruncate: ['EIO', 'ENOSPC', 'EINTR'],
	fallocate: ['EIO', 'ENOSPC', 'EINTR'],
	rename: ['EIO', 'ENOSPC'],
	mkdir: ['EIO', 'ENOSPC'],
	openat: ['EMFILE', 'EIO', 'ENOMEM'],
	read: ['EIO', 'EINTR', 'EAGAIN', 'ECONNRESET'],
	pread64: ['EIO', 'EINTR'],
	writev: [...STREAM, 'EPIPE'],
	sendmsg: PAIR,
	sendto: [...STREAM, 'EPIPE'],
	recvmsg: ['EAGAIN', 'EINTR', 'ENOMEM'],
	recvfrom: STREAM,
	socket: ['EMFILE', 'ENOMEM'],
	connect: ['ECONNREFUSED', 'ENETUNREACH', 'ETIMEDOUT', 'ENOMEM'],
	accept4: ['EMFILE', 'ECONNABORTED', 'EINTR', 'ENOMEM'],
	epoll_wait: ['EINTR'],
	epoll_ctl: ['ENOMEM'],
	mmap: ['ENOMEM'],
	fcntl: ['EINTR', 'ENOLCK'],
};

// KILL ends the role, KILLALL everything else with it in the same moment.
const KILLS = ['KILL', 'KILLALL'];

export const name = ({ role, thread, call, n, fault }) => `${role}/${thread}/${call}/${n}/${fault}`;

export function parse(text) {
	const [role, thread, call, n, fault] = text.split('/');
	return { role, thread, call, n: Number(n), fault };
}

export const isKill = (point) => KILLS.includes(point.fault);

export const injection = ({ n, fault }) => `${KILLS.includes(fault) ? 'signal=KILL' : `error=${fault}`}:when=${n}`;

// counts: [{ role, thread, call, count }]. The points of them, of the everyday calls only or of all.
export function pointsOf(counts, { all = false } = {}) {
	return counts.flatMap(({ role, thread, call, count }) => {
		const faults = [
			...(all || CHANGING.includes(call) ? KILLS : []),
			...(all || [...CHANGING, ...READING].includes(call) ? ERRNOS[call] ?? [] : []),
		];
		return faults.flatMap((fault) => Array.from({ length: count }, (_, i) => ({ role, thread, call, n: i + 1, fault })));
	});
}

// `most` of the points: in turn one of each (role, thread, call, fault), so that the rare ones are not
// drowned by the clerk's hundred pwrites; which n, and which first, is drawn.
export function sample(points, most, random) {
	const kinds = new Map();
	for (const point of points) {
		const key = name({ ...point, n: '' });
		if (!kinds.has(key)) kinds.set(key, []);
		kinds.get(key).push(point);
	}
	const shuffled = (list) => list.map((item) => [random(), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
	const queues = shuffled([...kinds.values()].map(shuffled));
	const chosen = [];
	while (chosen.length < most && queues.some((queue) => queue.length > 0)) {
		for (const queue of queues) if (queue.length > 0 && chosen.length < most) chosen.push(queue.pop());
	}
	return chosen;
}
