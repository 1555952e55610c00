/** Things for tests, whole and valid, with the fields that a test is about. */

import type { LandPreview } from './types.ts';

export const aPreview = (fields: Partial<LandPreview> = {}): LandPreview => ({
	branch: 'main',
	sha: 'a'.repeat(40),
	remote_url: 'https://host.test/shop.git',
	remote_sha: 'b'.repeat(40),
	remote_default: 'main',
	state: 'ahead',
	ahead: 2,
	behind: 0,
	commits: [],
	remote_commits: [],
	mergeable: null,
	conflicts: [],
	...fields,
});
