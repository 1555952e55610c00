import { beforeEach, describe, expect, it, vi } from 'vitest';
import { attachFile, listAttachments, removeAttachment } from '#lib/api/attachments.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Attachment } from '#lib/api/types.ts';
import { serverSettings } from '#lib/live/settings.svelte.ts';
import { Attachments } from './attachments.svelte.ts';
import { freeName, nameOf } from './file-name.ts';

vi.mock('#lib/api/attachments.ts');

const file = (name: string, content = 'words') => new File([content], name);
const kept = (name: string): Attachment => ({
	id: name,
	card_id: 'c1',
	name,
	media_type: 'text/plain',
	size: 5,
	sha256: '',
	created_at: '',
});
const full = new ApiError({ title: '', status: 413, detail: 'Too many.', code: 'too_large' });

beforeEach(() => {
	vi.resetAllMocks();
	vi.mocked(attachFile).mockImplementation((_card, _file, name) => Promise.resolve(kept(name)));
	vi.mocked(listAttachments).mockResolvedValue({
		items: [kept('spec.txt')],
		limits: { file: 10, count: 2, total: 20 },
	});
	serverSettings.value = null;
});

describe('Attachments', () => {
	it('sends at once on a card, under names that are free', async () => {
		const files = new Attachments('c1', true);
		await files.load();
		files.add([file('spec.txt'), file('SPEC.txt')]);
		await vi.waitFor(() => expect(files.given).toEqual([]));
		const names = vi.mocked(attachFile).mock.calls.map(([, , name]) => name);
		expect(names).toEqual(['spec-2.txt', 'SPEC-3.txt']);
		expect(files.shown).toHaveLength(3);
	});

	it('sends nothing of a new card before that is saved', async () => {
		const files = new Attachments(null, false);
		files.add([file('a.txt')]);
		expect(files.changed).toBe(true);
		expect(attachFile).not.toHaveBeenCalled();
		expect(await files.save('c9')).toBe(true);
		expect(vi.mocked(attachFile).mock.calls[0]?.[0]).toBe('c9');
		expect(files.changed).toBe(false);
	});

	it('keeps what is refused, with the reason, and tries it again', async () => {
		const files = new Attachments(null, false);
		files.add([file('a.txt'), file('b.txt')]);
		vi.mocked(attachFile).mockRejectedValueOnce(full);
		expect(await files.save('c9')).toBe(false);
		expect(files.given.map(({ name, reason }) => [name, reason])).toEqual([['a.txt', 'Too many.']]);
		expect(files.refused).toBe(1);
		expect(await files.save('c9')).toBe(true);
		expect(files.shown.map(({ name }) => name)).toEqual(['b.txt', 'a.txt']);
	});

	it('says what is too large before it is sent', async () => {
		serverSettings.value = { attachments: { file: 3 } } as typeof serverSettings.value;
		const files = new Attachments('c1', true);
		files.add([file('a.txt'), file('empty.txt', '')]);
		expect(files.given.map(({ reason }) => reason)).toEqual([
			'It has 5 bytes; a file may have 3 bytes at most.',
			'It is empty, or a folder.',
		]);
		expect(await files.save('c1')).toBe(false);
		expect(attachFile).not.toHaveBeenCalled();
	});

	it('takes a file from the card when that is saved, and not when it is cancelled', async () => {
		const files = new Attachments('c1', false);
		await files.load();
		await files.remove(kept('spec.txt'));
		expect(files.shown).toEqual([]);
		expect(removeAttachment).not.toHaveBeenCalled();
		await files.save('c1');
		expect(removeAttachment).toHaveBeenCalledWith('spec.txt');
	});

	it('shows a file again that could not be removed, and why', async () => {
		const files = new Attachments('c1', true);
		await files.load();
		vi.mocked(removeAttachment).mockRejectedValueOnce(full);
		await files.remove(kept('spec.txt'));
		expect(files.shown).toHaveLength(1);
		expect(files.failure).toBe('Too many.');
	});

	it('reads the list anew when the server tells of this card', async () => {
		const files = new Attachments('c1', true);
		const told = { type: 'card.attached', data: { id: 'other' } };
		files.event(told as unknown as Parameters<typeof files.event>[0]);
		expect(listAttachments).not.toHaveBeenCalled();
		files.event({ ...told, data: { id: 'c1' } } as unknown as Parameters<typeof files.event>[0]);
		await vi.waitFor(() => expect(files.kept).toHaveLength(1));
	});
});

describe('names', () => {
	it('of pictures of the clipboard say so', () => {
		expect(nameOf(file('image.png'))).toBe('pasted-image.png');
		expect(nameOf(file('shot.png'))).toBe('shot.png');
	});

	it('are numbered before the suffix', () => {
		expect(freeName('a.png', ['A.png', 'a-2.png'])).toBe('a-3.png');
		expect(freeName('.env', ['.env'])).toBe('.env-2');
	});
});
