/**
 * adapter-static, and then one more step: SvelteKit's inline bootstrap script moves into a hashed
 * file, so that the server can send `script-src 'self'` without knowing any hash of this build.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import adapterStatic from '@sveltejs/adapter-static';
import type { Adapter } from '@sveltejs/kit/adapter';

const PAGE = 'index.html';
const INLINE = /<script>([\s\S]*?)<\/script>/;

export function spa(directory: string): Adapter {
	const inner = adapterStatic({ pages: directory, fallback: PAGE });
	return {
		...inner,
		name: 'lazyaf-spa',
		async adapt(builder) {
			await inner.adapt(builder);
			moveBootstrap(directory, builder.getAppPath());
		},
	};
}

function moveBootstrap(directory: string, appPath: string): void {
	const file = join(directory, PAGE);
	const page = readFileSync(file, 'utf8');
	const script = INLINE.exec(page)?.[1];
	if (script === undefined) throw new Error(`${file} has no inline bootstrap script any more`);
	const digest = createHash('sha256').update(script).digest('base64url').slice(0, 8);
	const name = `${appPath}/immutable/boot.${digest}.js`;
	writeFileSync(join(directory, name), script);
	writeFileSync(
		file,
		page.replace(INLINE, `<script src="/${name}"></script>`).replace(/ 'sha256-[^']*'/g, ''),
	);
}
