import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';

/**
 * The house on the browser's side, a tier may import only what is above it:
 *
 *   api   the server's words: types and one thin client
 *   ui    primitives without domain words           (never api)
 *   live  rune stores fed by events                 (api, ui)
 *   board review runs repos runners settings        (live, api, ui; never each other)
 *   routes                                          composition of all of them
 */
const features = ['board', 'review', 'runs', 'repos', 'runners', 'settings'];

/** Forbid `folder` to import from `others`, and everything to climb out of its folder. */
function tier(folder, others) {
	return {
		files: [`src/lib/${folder}/**`],
		rules: {
			'no-restricted-imports': [
				'error',
				{
					patterns: [
						{
							group: others.map((other) => `#lib/${other}/*`),
							message: `lib/${folder} may not know this folder (see eslint.config.js for the tiers).`,
						},
						{ group: ['../*'], message: 'Reach another folder by #lib/….' },
					],
				},
			],
		},
	};
}

export default defineConfig(
	{ ignores: ['.svelte-kit/', 'node_modules/', 'src/lib/api/schema.gen.ts'] },
	js.configs.recommended,
	...ts.configs.strict,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			'no-undef': 'off', // TypeScript knows better
			// Stores replace whole values ($state.raw) on purpose: one signal, cheap snapshots.
			'svelte/prefer-svelte-reactivity': 'off',
			'svelte/no-navigation-without-resolve': 'off', // the app is always served from /
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
		},
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: { parserOptions: { parser: ts.parser } },
	},
	tier('api', ['ui', 'live', ...features]),
	tier('ui', ['api', 'live', ...features]),
	tier('live', features),
	...features.map((feature) =>
		tier(
			feature,
			features.filter((other) => other !== feature),
		),
	),
);
