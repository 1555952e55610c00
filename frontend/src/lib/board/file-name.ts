/** What a file is called that was pasted or dropped, so that no two of a card have one name. */

const PASTED = /^image\.(png|jpe?g|gif|webp)$/i;

/** The name, or the first of `name-2`, `name-3` … that is not taken, whatever its case. */
export function freeName(name: string, taken: Iterable<string>): string {
	const used = new Set([...taken].map((other) => other.toLowerCase()));
	const dot = name.lastIndexOf('.');
	const [stem, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
	let found = name;
	for (let number = 2; used.has(found.toLowerCase()); number += 1) {
		found = `${stem}-${number}${suffix}`;
	}
	return found;
}

/** Browsers call every picture of the clipboard the same, which says nothing. */
export function nameOf(file: File): string {
	return PASTED.test(file.name) ? `pasted-${file.name.toLowerCase()}` : file.name || 'file';
}

/** Whether it can be shown in place. */
export function isPicture(type: string): boolean {
	return /^image\/(png|jpeg|gif|webp)$/.test(type);
}
