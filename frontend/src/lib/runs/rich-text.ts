/**
 * Text of agents as safe HTML: Markdown sanitised to a short list of tags, terminal colours as
 * classes. Nothing here can make the browser ask another machine for anything: no images, no styles.
 * Both libraries are read when the first row needs them.
 */

const KEPT = 400;

export type Render = (text: string) => string;

/** A renderer that remembers its last results: rows are mounted again and again while scrolling. */
function remembered(render: Render): Render {
	const known = new Map<string, string>();
	return (text) => {
		const html = known.get(text) ?? render(text);
		known.delete(text);
		known.set(text, html);
		if (known.size > KEPT) known.delete(known.keys().next().value as string);
		return html;
	};
}

let markdownLoading: Promise<Render> | null = null;
let ansiLoading: Promise<Render> | null = null;

export const loadMarkdown = (): Promise<Render> => (markdownLoading ??= importMarkdown());
export const loadAnsi = (): Promise<Render> => (ansiLoading ??= importAnsi());

/** Does this text need the terminal renderer? */
// eslint-disable-next-line no-control-regex
export const hasAnsi = (text: string): boolean => /\u001b\[/.test(text);

async function importMarkdown(): Promise<Render> {
	const [{ Marked }, { default: DOMPurify }] = await Promise.all([
		import('marked'),
		import('dompurify'),
	]);
	const marked = new Marked({ gfm: true, breaks: false });
	DOMPurify.addHook('afterSanitizeAttributes', (node) => {
		// They scroll sideways, also by the keyboard.
		if (node.tagName === 'PRE' || node.tagName === 'TABLE') node.setAttribute('tabindex', '0');
		if (node.tagName !== 'A') return;
		node.setAttribute('target', '_blank');
		node.setAttribute('rel', 'noopener noreferrer nofollow');
	});
	marked.use({
		renderer: {
			// Raw HTML is text like any other.
			html: ({ text }) => escape(text),
			// A remote image would tell its server that somebody reads this.
			image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
		},
	});
	return remembered((text) =>
		DOMPurify.sanitize(marked.parse(text, { async: false }), {
			ALLOWED_TAGS:
				'p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li a table thead tbody tr th td input'.split(
					' ',
				),
			ALLOWED_ATTR: [
				'href',
				'title',
				'start',
				'align',
				'type',
				'checked',
				'disabled',
				'target',
				'rel',
			],
			ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
		}),
	);
}

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

const ESCAPES: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};
export const escape = (text: string): string =>
	text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
