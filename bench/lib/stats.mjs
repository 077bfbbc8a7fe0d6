// SPDX-License-Identifier: Apache-2.0
//
// The few numbers that are made from many. Medians, because one bad second on a busy machine must not decide.

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Of runs with the same members: the median of each member.
export const middle = (runs) => Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((r) => r[key]))]));

export const round = (value, digits = 0) => Number(value.toFixed(digits));

// Runs `first` and `second` in turn, swapping who begins, and returns [[a, b], …].
export async function inPairs(count, first, second) {
	const pairs = [];
	for (let i = 0; i < count; i += 1) {
		const swapped = i % 2 === 1;
		const one = await (swapped ? second : first)();
		const two = await (swapped ? first : second)();
		pairs.push(swapped ? [two, one] : [one, two]);
	}
	return pairs;
}
