/** The commands that start a runner elsewhere, and what goes into their placeholders. */

export type Way = 'docker' | 'plain';

export interface Made {
	name: string;
	token: string;
	labels: string[];
}

/** With a token that was made for it, the command as it can be run; without one, as it came. */
export function filledIn(command: string, made: Made | null): string {
	if (!made) return command;
	const labels = made.labels.map((label) => ` --label ${quoted(label)}`).join('');
	return command
		.replaceAll(' --label <label>', () => labels)
		.replaceAll('<token>', () => made.token)
		.replaceAll('<name>', () => quoted(made.name));
}

/** What is wrong with a runner's name, as the server takes it; null when nothing is. */
export function nameProblem(name: string): string | null {
	if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return null;
	return 'Letters, digits, dots, hyphens and underscores, beginning with a letter or a digit.';
}

/** Labels as a person types them: with commas or spaces between. */
export function labelsIn(text: string): string[] {
	return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
	return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
