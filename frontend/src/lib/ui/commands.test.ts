import { describe, expect, it } from 'vitest';
import { Commands, chord, type Command } from './commands.svelte.ts';

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
	({ key, target: null, ...more }) as unknown as KeyboardEvent;

const command = (id: string, keys: string[]): Command => ({
	id,
	title: id,
	group: 'Test',
	keys,
	run: () => undefined,
});

describe('chord', () => {
	it('names keys as commands do', () => {
		expect(chord(press('c'))).toBe('c');
		expect(chord(press('A', { shiftKey: true }))).toBe('Shift+A');
		expect(chord(press('?', { shiftKey: true }))).toBe('?');
		expect(chord(press('k', { metaKey: true }))).toBe('Mod+k');
		expect(chord(press('ArrowUp', { altKey: true }))).toBe('Alt+ArrowUp');
	});
});

describe('Commands', () => {
	it('lets the nearest layer answer', () => {
		const commands = new Commands();
		commands.register([command('below', ['e'])]);
		const close = commands.register([command('above', ['e'])]);
		expect(commands.match(press('e'))?.id).toBe('above');
		close();
		expect(commands.match(press('e'))?.id).toBe('below');
	});

	it('hides the page behind a sheet, and everything behind a dialog', () => {
		const commands = new Commands();
		commands.register([command('palette', ['Mod+k'])], { global: true });
		commands.register([command('create', ['c'])]);
		const sheet = commands.register([command('approve', ['Shift+A'])], { barrier: 'page' });
		expect(commands.match(press('c'))).toBeUndefined();
		expect(commands.match(press('k', { ctrlKey: true }))?.id).toBe('palette');
		expect(commands.match(press('A', { shiftKey: true }))?.id).toBe('approve');
		commands.register([], { barrier: 'all' });
		expect(commands.match(press('k', { ctrlKey: true }))).toBeUndefined();
		sheet();
	});

	it('leaves out what is not enabled', () => {
		const commands = new Commands();
		commands.register([{ ...command('start', ['s']), enabled: () => false }]);
		expect(commands.match(press('s'))).toBeUndefined();
	});
});
