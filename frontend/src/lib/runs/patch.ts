/** Reads the unified patch that a tool result carries, for showing it in the conversation. Pure. */

export interface PatchLine {
	origin: ' ' | '+' | '-' | '@';
	/** Line number in the new file, in the old one for a removed line. */
	number: number | null;
	text: string;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/;

export function patchLines(patch: string): PatchLine[] {
	const lines: PatchLine[] = [];
	let before = 0;
	let after = 0;
	let inHunk = false;
	for (const line of patch.replace(/\n$/, '').split('\n')) {
		const hunk = HUNK.exec(line);
		if (hunk) {
			before = Number(hunk[1]);
			after = Number(hunk[2]);
			inHunk = true;
			lines.push({ origin: '@', number: null, text: hunk[3] ?? '' });
		} else if (!inHunk || line.startsWith('\\')) {
			continue; // the file header, or "No newline at end of file"
		} else if (line.startsWith('+')) {
			lines.push({ origin: '+', number: after++, text: line.slice(1) });
		} else if (line.startsWith('-')) {
			lines.push({ origin: '-', number: before++, text: line.slice(1) });
		} else {
			before += 1;
			lines.push({ origin: ' ', number: after++, text: line.slice(1) });
		}
	}
	return lines;
}
