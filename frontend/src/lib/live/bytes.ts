/** Sizes as people read them. */

/** `12.3 MB`: decimal, three digits. */
export function bytes(count: number): string {
	const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
	let value = count;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit += 1;
	}
	if (unit === 0) return count === 1 ? '1 byte' : `${count} bytes`;
	return `${value.toLocaleString('en', { maximumSignificantDigits: 3 })} ${units[unit]}`;
}
