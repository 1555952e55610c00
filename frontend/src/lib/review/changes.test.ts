import { expect, it } from 'vitest';
import type { CardSummary } from '#lib/api/types.ts';
import { Changes } from './changes.svelte.ts';
import { card, diff, file } from './factories.ts';
import type { Diff } from './types.ts';

/** A server that answers when it is told to. */
function server() {
	const asked: ((answer: Diff) => void)[] = [];
	const wait = () => new Promise<Diff>((answer) => asked.push(answer));
	const changes = new Changes(
		{
			diff: wait,
			since: wait,
			round: wait,
			rounds: async () => [],
			commits: async () => [{ sha: 'new' }, { sha: 'head' }],
		},
		() => null,
	);
	return { asked, changes };
}
const at = (head_sha: string): CardSummary => ({ ...card(), head_sha });

it('learns that the branch has moved also while the changes are read', async () => {
	const { asked, changes } = server();
	changes.open(at('head'));
	const load = changes.load();
	changes.open(at('new'));
	const check = changes.check();
	asked[0]?.(diff('head', [file('a.ts', ['+x'])]));
	await Promise.all([load, check]);
	expect(changes.tip).toBe('head');
	expect(changes.moved).toEqual({ sha: 'new', commits: 1 });
});

it('says nothing when what was read has it already', async () => {
	const { asked, changes } = server();
	changes.open(at('head'));
	const first = changes.load();
	changes.open(at('new'));
	const check = changes.check();
	const second = changes.load();
	asked[1]?.(diff('new', [file('a.ts', ['+x'])]));
	asked[0]?.(diff('head', [file('a.ts', ['+x'])]));
	await Promise.all([first, second, check]);
	expect(changes.tip).toBe('new');
	expect(changes.moved).toBeNull();
});
