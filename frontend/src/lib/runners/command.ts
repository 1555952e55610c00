/** The commands that start a runner elsewhere, and what goes into their placeholders. */

export type Way = 'docker' | 'plain';

/** With a token that was made for it, the command as it can be run; without one, as it came. */
export function filledIn(command: string, made: { name: string; token: string } | null): string {
	if (!made) return command;
	return command
		.replaceAll('<token>', () => made.token)
		.replaceAll('<name>', () => quoted(made.name));
}

/** As one word of a POSIX shell. */
function quoted(word: string): string {
	return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
