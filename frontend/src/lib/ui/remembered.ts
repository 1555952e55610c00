/** Remembers the last results of a renderer: rows are mounted again and again while scrolling. */

const KEPT = 400;

export type Render = (text: string) => string;

export function remembered(render: Render): Render {
	const known = new Map<string, string>();
	return (text) => {
		const html = known.get(text) ?? render(text);
		known.delete(text);
		known.set(text, html);
		if (known.size > KEPT) known.delete(known.keys().next().value as string);
		return html;
	};
}
