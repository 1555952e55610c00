/** Markdown as safe HTML. An agent's words are hostile: everything passes DOMPurify. Import lazily. */

import DOMPurify from 'dompurify';
import { Marked } from 'marked';

const marked = new Marked({ gfm: true, breaks: true });
const ALLOWED = {
	USE_PROFILES: { html: true },
	FORBID_TAGS: [
		'style',
		'form',
		'input',
		'button',
		'textarea',
		'select',
		'iframe',
		'audio',
		'video',
	],
	FORBID_ATTR: ['style', 'class', 'id'],
};

// A picture from elsewhere would be a request that leaves this machine: it becomes a link.
DOMPurify.addHook('afterSanitizeAttributes', (node) => {
	if (node.tagName === 'A') {
		node.setAttribute('rel', 'noreferrer noopener');
		node.setAttribute('target', '_blank');
	}
	if (node.tagName === 'IMG') {
		const link = document.createElement('a');
		link.href = node.getAttribute('src') ?? '';
		link.textContent = node.getAttribute('alt') || 'image';
		link.rel = 'noreferrer noopener';
		link.target = '_blank';
		node.replaceWith(link);
	}
});

export function renderMarkdown(source: string): string {
	return DOMPurify.sanitize(marked.parse(source, { async: false }), ALLOWED);
}
