/** A place in a card that an address can name: an entry of a log, a file of the changes, lines of one. Pure. */

export interface EntrySpot {
	kind: 'entry';
	jobId: string;
	seq: number;
}
/** Without lines the file as a whole. */
export interface FileSpot {
	kind: 'file';
	path: string;
	side: 'old' | 'new';
	lines: { from: number; to: number } | null;
}
export type Spot = EntrySpot | FileSpot;

/** An address that is only looked at. */
interface Readable {
	href: string;
	searchParams: Pick<URLSearchParams, 'getAll'>;
}

const NAMES = ['entry', 'file', 'side', 'lines', 'for'];

/** The part of an address that names a place; the same place is the same text. */
export function spotQuery(url: Readable): string {
	const named = NAMES.flatMap((name) =>
		url.searchParams.getAll(name).map((value) => [name, value]),
	);
	return new URLSearchParams(named).toString();
}

/** What it names; null for nothing, and for nonsense. */
export function spotIn(query: string): Spot | null {
	const asked = new URLSearchParams(query);
	const entry = /^([\w-]+)\.(\d{1,15})$/.exec(asked.get('entry') ?? '');
	if (entry) return { kind: 'entry', jobId: entry[1] ?? '', seq: Number(entry[2]) };
	const path = asked.get('file');
	if (!path) return null;
	const found = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/.exec(asked.get('lines') ?? '');
	const [from, to] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])];
	const lines = found && from <= to ? { from, to } : null;
	return { kind: 'file', path, side: asked.get('side') === 'old' ? 'old' : 'new', lines };
}

/** The address of a place in what `url` shows. */
export function withSpot(url: Readable, spot: Spot): URL {
	const made = new URL(url.href);
	for (const name of NAMES) made.searchParams.delete(name);
	const { searchParams: query } = made;
	if (spot.kind === 'entry') query.set('entry', `${spot.jobId}.${spot.seq}`);
	else {
		query.set('file', spot.path);
		if (spot.side === 'old') query.set('side', 'old');
		if (spot.lines) {
			const { from, to } = spot.lines;
			query.set('lines', from === to ? String(from) : `${from}-${to}`);
		}
	}
	return made;
}
