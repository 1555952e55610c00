import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';
import { spa } from './adapter.ts';

// `make dev` serves the UI from Vite and passes everything else to the real server.
const server = process.env.LAZYAF_SERVER ?? 'http://127.0.0.1:8140';

export default defineConfig({
	plugins: [
		tailwindcss(),
		sveltekit({
			compilerOptions: { runes: true },
			// One page for every address: the server answers unknown paths with index.html.
			adapter: spa('../src/lazyaf/web/dist'),
			// Nothing from outside this origin, and no inline script: see adapter.ts.
			csp: {
				mode: 'hash',
				directives: {
					'default-src': ['self'],
					'script-src': ['self'],
					'style-src': ['self', 'unsafe-inline'],
					'img-src': ['self', 'data:'],
					'connect-src': ['self'],
					'object-src': ['none'],
					'base-uri': ['self'],
				},
			},
		}),
	],
	server: {
		proxy: {
			'/api': server,
			'/git': server,
			'/ws': { target: server, ws: true },
		},
	},
	test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
