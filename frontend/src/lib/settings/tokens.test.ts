import { describe, expect, it, vi } from 'vitest';
import type { NewToken, Token } from '#lib/api/types.ts';
import { Tokens } from './tokens.svelte.ts';

const token = (id: string): Token => ({
	id,
	kind: 'person',
	name: id,
	created_at: '2026-11-01T12:00:00Z',
	last_used_at: null,
	expires_at: null,
	is_own: false,
});
const ports = (items: Token[]) => ({
	listTokens: vi.fn(async () => ({ items, next_cursor: null })),
	createToken: vi.fn(async (name: string): Promise<NewToken> => {
		const made = { ...token('new'), name, kind: 'person' as const };
		items.push(made);
		return { ...made, token: 'secret' };
	}),
	revokeToken: vi.fn(async () => undefined),
});

describe('Tokens', () => {
	it('shows the text of a token once and forgets it when it is revoked', async () => {
		const tokens = new Tokens(ports([token('old')]));
		await tokens.load();
		expect(await tokens.make(' laptop ')).toBe(true);
		expect(tokens.fresh?.token).toBe('secret');
		expect(tokens.items.map(({ name }) => name)).toEqual(['old', 'laptop']);
		await tokens.revoke('new');
		expect(tokens.fresh).toBeNull();
		expect(tokens.items.map(({ id }) => id)).toEqual(['old']);
	});

	it('keeps the list and says why when the server refuses', async () => {
		const refusing = { ...ports([token('old')]), revokeToken: vi.fn().mockRejectedValue('No.') };
		const tokens = new Tokens(refusing);
		await tokens.load();
		await tokens.revoke('old');
		expect(tokens.items).toHaveLength(1);
		expect(tokens.failure).toBe('No.');
	});

	it('makes none without a name', async () => {
		const its = ports([]);
		expect(await new Tokens(its).make('  ')).toBe(false);
		expect(its.createToken).not.toHaveBeenCalled();
	});

	it('shows browsers first, this one before the others', async () => {
		const items: Token[] = [
			{ ...token('script'), last_used_at: '2026-11-02T12:00:00Z' },
			{ ...token('old'), kind: 'session', last_used_at: '2026-11-02T12:00:00Z' },
			{ ...token('new'), kind: 'session', last_used_at: '2026-11-03T12:00:00Z' },
			{ ...token('mine'), kind: 'session', is_own: true },
		];
		const tokens = new Tokens(ports(items));
		await tokens.load();
		const shown = tokens.groups.map(({ title, items }) => [title, items.map(({ id }) => id)]);
		expect(shown).toEqual([
			['Browsers', ['mine', 'new', 'old']],
			['Programs and git', ['script']],
		]);
	});
});
