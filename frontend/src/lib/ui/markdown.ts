/**
 * Markdown as safe HTML, sanitised to a short list of tags. What agents write is hostile: nothing
 * here can make the browser ask another machine for anything, no images, no styles, no raw HTML.
 * Both libraries are read when the first text needs them.
 */

import { remembered, type Render } from './remembered.ts';

let loading: Promise<Render> | null = null;

export const loadMarkdown = (): Promise<Render> => (loading ??= importMarkdown());

async function importMarkdown(): Promise<Render> {
	const [{ Marked }, { default: DOMPurify }] = await Promise.all([
		import('marked'),
		import('dompurify'),
	]);
	const marked = new Marked({ gfm: true, breaks: false });
	DOMPurify.addHook('afterSanitizeAttributes', (node) => {
		// They scroll sideways, also by the keyboard.
		if (node.tagName === 'PRE' || node.tagName === 'TABLE') node.setAttribute('tabindex', '0');
		if (node.tagName !== 'A' || node.getAttribute('href')?.startsWith('/')) return;
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
			// And pages of this app: what the server writes into a card leads to its log.
			ALLOWED_URI_REGEXP: /^(?:(?:https?|mailto):|\/r\/)/i,
		}),
	);
}

const ESCAPES: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};
const escape = (text: string): string =>
	text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
