/** Files that are dropped or pasted onto something. */

import type { Attachment } from 'svelte/attachments';

/** What carries text as well is text: office programs put a picture of it beside it. */
function filesOf(data: DataTransfer | null): File[] {
	if (!data) return [];
	const isText =
		data.types.includes('text/plain') && data.types.some((type) => /html|rtf/.test(type));
	return isText ? [] : [...data.files];
}

/**
 * An attachment for an element that takes files, within the dialog it stands in, if it does: there a
 * person pastes without aiming; not while the element is hidden. `data-over` is set while files are held over it.
 */
export function takesFiles(
	take: (files: File[], event: ClipboardEvent | DragEvent) => void,
): Attachment<HTMLElement> {
	return (element) => {
		const target = element.closest<HTMLElement>('[role=dialog]') ?? element;
		const listening = new AbortController();
		const on = <K extends 'paste' | 'dragover' | 'dragleave' | 'drop'>(
			kind: K,
			heard: (event: HTMLElementEventMap[K]) => void,
		) => target.addEventListener(kind, heard, { signal: listening.signal });
		const takes = (data: DataTransfer | null): data is DataTransfer =>
			Boolean(data?.types.includes('Files')) && element.checkVisibility();
		const over = (is: boolean) => element.toggleAttribute('data-over', is);

		on('paste', (event) => {
			const files = filesOf(event.clipboardData);
			if (!files.length || !element.checkVisibility()) return;
			event.preventDefault();
			take(files, event);
		});
		on('dragover', (event) => {
			if (!takes(event.dataTransfer)) return;
			event.preventDefault();
			event.dataTransfer.dropEffect = 'copy';
			over(true);
		});
		on('dragleave', (event) => {
			const to = event.relatedTarget;
			if (!(to instanceof Node && target.contains(to))) over(false);
		});
		on('drop', (event) => {
			over(false);
			if (!takes(event.dataTransfer)) return;
			event.preventDefault();
			take([...event.dataTransfer.files], event);
		});
		return () => listening.abort();
	};
}
