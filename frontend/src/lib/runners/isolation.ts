/** How far an agent on a runner can reach, in words. */

import type { Isolation } from '#lib/api/types.ts';

const TEXTS: Record<Isolation, string> = {
	container: 'In a container',
	bubblewrap: 'In a bubblewrap sandbox',
	none: 'No sandbox',
};

export function isolationText(isolation: Isolation): string {
	return TEXTS[isolation] ?? isolation;
}
