/** What a changed file is and what happened to it besides its lines, in words. Pure. */

import { bytes } from '#lib/live/bytes.ts';
import type { DiffSide, FileDiff } from './types.ts';

const NAMES: Partial<Record<DiffSide['kind'], string>> = {
	symlink: 'symlink',
	submodule: 'submodule',
	lfs: 'Git LFS',
};
const STATUS: Partial<Record<FileDiff['status'], string>> = {
	added: 'new',
	deleted: 'deleted',
	renamed: 'renamed',
	copied: 'copied',
	type_changed: 'type changed',
};
const EXECUTABLE = '100755';

/** The labels of a file's head. */
export function marks(file: FileDiff): string[] {
	const { old, new: now } = file;
	const kind = NAMES[(now ?? old)?.kind ?? 'file'] ?? (file.binary ? 'binary' : undefined);
	const found = [STATUS[file.status], kind];
	if (old && now && modeChanged(file)) {
		found.push(now.mode === EXECUTABLE ? 'executable now' : 'no longer executable');
	} else if (!old && now?.mode === EXECUTABLE) found.push('executable');
	return found.filter((mark) => mark !== undefined);
}

/** Whether its lines are what a person reads, so that their number says something. */
export const hasLines = ({ old, new: now }: FileDiff): boolean =>
	![old?.kind, now?.kind].some((kind) => kind === 'submodule' || kind === 'lfs');

/** The same kind of thing with other rights. */
export const modeChanged = ({ old, new: now }: FileDiff): boolean =>
	old !== null && now !== null && old.mode !== now.mode && isFile(old) && isFile(now);

const isFile = (side: DiffSide) => side.kind === 'file' || side.kind === 'lfs';

/** Why a file has no lines, or what one must know to read them; null when the lines say it all. */
export type Remark =
	| 'image'
	| 'binary'
	| 'submodule'
	| 'lfs'
	| 'too_large'
	| 'same'
	| 'empty'
	| 'mode'
	| 'crlf'
	| 'lf';

export function remarkOn(file: FileDiff): Remark | null {
	const kinds = [file.old?.kind, file.new?.kind];
	if (kinds.includes('submodule')) return 'submodule';
	if (file.hunks.length > 0) return lineEndings(file) ?? (isImage(file) ? 'image' : null);
	if (file.old && file.old.id === file.new?.id) {
		return file.status === 'renamed' || file.status === 'copied' ? 'same' : 'mode';
	}
	if (kinds.includes('lfs')) return 'lfs';
	if (file.binary) return isImage(file) ? 'image' : 'binary';
	return file.too_large ? 'too_large' : 'empty';
}

const IMAGES: Record<string, string> = {
	png: 'image/png',
	jpg: 'image/jpeg',
	jpeg: 'image/jpeg',
	gif: 'image/gif',
	webp: 'image/webp',
	svg: 'image/svg+xml',
};
/** Bytes beyond which a picture is not fetched to be looked at. */
const LARGEST_IMAGE = 10_000_000;

/** What a picture with this name is shown as; undefined for what is none that a browser shows safely. */
export const imageType = (path: string): string | undefined =>
	IMAGES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];

function isImage(file: FileDiff): boolean {
	if (!imageType(file.path) || (file.old_path && !imageType(file.old_path))) return false;
	return [file.old, file.new].every(
		(side) => !side || (side.kind === 'file' && (side.size ?? 0) <= LARGEST_IMAGE),
	);
}

/** When nothing but line endings changed, which they are now. */
function lineEndings(file: FileDiff): 'crlf' | 'lf' | null {
	const old: string[] = [];
	const now: string[] = [];
	for (const hunk of file.hunks) {
		for (const [origin, text] of hunk.lines) {
			if (origin === '-') old.push(text);
			else if (origin === '+') now.push(text);
		}
	}
	const bare = (line: string) => line.replace(/\r$/, '');
	if (old.length === 0 || old.length !== now.length) return null;
	if (old.some((line, i) => bare(line) !== bare(now[i] ?? ''))) return null;
	if (now.every((line) => line.endsWith('\r')) && old.every((line) => !line.endsWith('\r'))) {
		return 'crlf';
	}
	return old.every((line) => line.endsWith('\r')) ? 'lf' : null;
}

/** `12 kB → 14 kB`, or the only size there is. */
export function sizes({ old, new: now }: FileDiff): string {
	const known = [old, now].flatMap((side) => (side?.size == null ? [] : [bytes(side.size)]));
	return old && now && known[0] === known[1] ? `still ${known[0]}` : known.join(' → ');
}
