/** The languages that a diff is coloured in. Each is a file of its own, read when it is met. */

import type { LanguageRegistration } from 'shiki/core';

type Load = () => Promise<{ default: LanguageRegistration[] }>;

const LANGUAGES = {
	typescript: () => import('shiki/langs/typescript.mjs'),
	tsx: () => import('shiki/langs/tsx.mjs'),
	javascript: () => import('shiki/langs/javascript.mjs'),
	jsx: () => import('shiki/langs/jsx.mjs'),
	python: () => import('shiki/langs/python.mjs'),
	rust: () => import('shiki/langs/rust.mjs'),
	go: () => import('shiki/langs/go.mjs'),
	java: () => import('shiki/langs/java.mjs'),
	kotlin: () => import('shiki/langs/kotlin.mjs'),
	swift: () => import('shiki/langs/swift.mjs'),
	c: () => import('shiki/langs/c.mjs'),
	csharp: () => import('shiki/langs/csharp.mjs'),
	php: () => import('shiki/langs/php.mjs'),
	html: () => import('shiki/langs/html.mjs'),
	css: () => import('shiki/langs/css.mjs'),
	scss: () => import('shiki/langs/scss.mjs'),
	svelte: () => import('shiki/langs/svelte.mjs'),
	vue: () => import('shiki/langs/vue.mjs'),
	json: () => import('shiki/langs/json.mjs'),
	yaml: () => import('shiki/langs/yaml.mjs'),
	toml: () => import('shiki/langs/toml.mjs'),
	xml: () => import('shiki/langs/xml.mjs'),
	shellscript: () => import('shiki/langs/shellscript.mjs'),
	sql: () => import('shiki/langs/sql.mjs'),
	make: () => import('shiki/langs/make.mjs'),
	dockerfile: () => import('shiki/langs/dockerfile.mjs'),
} satisfies Record<string, Load>;

export type Language = keyof typeof LANGUAGES;

const BY_ENDING: Record<string, Language> = {
	ts: 'typescript',
	mts: 'typescript',
	cts: 'typescript',
	tsx: 'tsx',
	js: 'javascript',
	mjs: 'javascript',
	cjs: 'javascript',
	jsx: 'jsx',
	py: 'python',
	pyi: 'python',
	rs: 'rust',
	go: 'go',
	java: 'java',
	kt: 'kotlin',
	kts: 'kotlin',
	swift: 'swift',
	c: 'c',
	h: 'c',
	cc: 'c',
	cpp: 'c',
	hpp: 'c',
	cs: 'csharp',
	php: 'php',
	html: 'html',
	htm: 'html',
	css: 'css',
	scss: 'scss',
	svelte: 'svelte',
	vue: 'vue',
	json: 'json',
	jsonc: 'json',
	webmanifest: 'json',
	yaml: 'yaml',
	yml: 'yaml',
	toml: 'toml',
	lock: 'toml',
	xml: 'xml',
	svg: 'xml',
	sh: 'shellscript',
	bash: 'shellscript',
	zsh: 'shellscript',
	sql: 'sql',
	mk: 'make',
};
const BY_NAME: Record<string, Language> = {
	Makefile: 'make',
	Dockerfile: 'dockerfile',
	Containerfile: 'dockerfile',
};

export function languageOf(path: string): Language | null {
	const name = path.slice(path.lastIndexOf('/') + 1);
	const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
	return BY_NAME[name] ?? BY_ENDING[ending] ?? (/\.dockerfile$/i.test(name) ? 'dockerfile' : null);
}

export const loadLanguage = async (language: Language): Promise<LanguageRegistration[]> =>
	(await LANGUAGES[language]()).default;
