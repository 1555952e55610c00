import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

// `make dev` serves the UI from Vite and passes everything else to the real server.
const server = process.env.LAZYAF_SERVER ?? 'http://127.0.0.1:8765';

export default defineConfig({
	plugins: [
		tailwindcss(),
		sveltekit({
			compilerOptions: { runes: true },
			// One page for every address: the server answers unknown paths with index.html, and with a
			// policy that allows the bootstrap script in it by its hash.
			adapter: adapter({ pages: '../src/lazyaf/web/dist', fallback: 'index.html' }),
		}),
	],
	server: {
		// The host stays as the browser sees it: the server compares it with the request's origin.
		proxy: {
			'/api': { target: server, changeOrigin: false },
			'/git': { target: server, changeOrigin: false },
			'/ws': { target: server, changeOrigin: false, ws: true },
		},
	},
	test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
