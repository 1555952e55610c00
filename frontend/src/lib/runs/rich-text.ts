/**
 * Output of programs as safe HTML: terminal colours as classes. The library is read when the first
 * row needs it.
 */

import { remembered, type Render } from '#lib/ui/remembered.ts';

export type { Render };

let ansiLoading: Promise<Render> | null = null;

export const loadAnsi = (): Promise<Render> => (ansiLoading ??= importAnsi());

/** Does this text need the terminal renderer? */
// eslint-disable-next-line no-control-regex
export const hasAnsi = (text: string): boolean => /\u001b\[/.test(text);

async function importAnsi(): Promise<Render> {
	const { AnsiUp } = await import('ansi_up');
	return remembered((text) => {
		const ansi = new AnsiUp(); // it carries colours over from call to call
		ansi.use_classes = true;
		ansi.url_allowlist = {};
		ansi.boldStyle = 'font-weight:600';
		ansi.faintStyle = 'color:var(--faint)';
		ansi.italicStyle = 'font-style:italic';
		ansi.underlineStyle = 'text-decoration:underline';
		return ansi.ansi_to_html(text);
	});
}
