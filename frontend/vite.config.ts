import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

// `make dev` serves the UI from Vite and passes everything else to the real server.
const server = process.env.LAZYAF_SERVER ?? 'http://127.0.0.1:8140';

export default defineConfig({
	plugins: [
		tailwindcss(),
		sveltekit({
			compilerOptions: { runes: true },
			// One page for every address: the server answers unknown paths with index.html.
			adapter: adapter({ pages: '../src/lazyaf/web/dist', fallback: 'index.html' }),
			// The inline bootstrap script is allowed by its hash, nothing else from outside this origin.
			csp: {
				mode: 'hash',
				directives: {
					'default-src': ['self'],
					'script-src': ['self'],
					'style-src': ['self', 'unsafe-inline'],
					'img-src': ['self', 'data:'],
					'connect-src': ['self', 'ws:', 'wss:'],
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
