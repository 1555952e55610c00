import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
	cancelCard,
	closeCard,
	getCard,
	refreshPull,
	requestChanges,
	resolveConflicts,
	startCard,
	updateBranch,
	type Approval,
} from '#lib/api/cards.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Card, CardSummary } from '#lib/api/types.ts';
import { aLive } from '#lib/live/blank.ts';
import { CardStore } from '#lib/live/cards.svelte.ts';
import { aCard } from '#lib/live/factories.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { approveAndClose, approveLabel, approveMenu, question, whyNotApprove } from './approve.ts';
import { Sheet, type ReviewState } from './sheet.svelte.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('#lib/ui/toast.svelte.ts', () => ({ toast: vi.fn() }));

const full = (fields: Partial<CardSummary> = {}): Card => ({
	...aCard(fields),
	description: '',
	agent_options: {},
});
const COMMENT = { path: 'a.ts', line: 3, body: 'Why?' };
function aReview(fields: Partial<ReviewState> = {}) {
	return {
		headSha: 'head',
		comments: [],
		unresolved: [],
		moved: null,
		loading: false,
		open: vi.fn(),
		load: vi.fn(async () => undefined),
		approve: vi.fn(async (_how?: Approval) =>
			full({ status: 'done', version: 2, merged_sha: 'abcdef0123' }),
		),
		clear: vi.fn(),
		...fields,
	};
}
async function opened(card = full()): Promise<Sheet> {
	const store = new CardStore('r1', async () => ({ items: [card], cursor: 'e:1' }));
	await store.load();
	return new Sheet(store, card.id);
}

beforeEach(() => vi.clearAllMocks());

describe('Sheet', () => {
	it('reads the card again only when a newer version is known', async () => {
		const sheet = await opened();
		vi.mocked(getCard).mockResolvedValue(full({ version: 2 }));
		await sheet.load(1);
		await sheet.load(2);
		expect(getCard).toHaveBeenCalledTimes(1);
		await sheet.load(3);
		expect(getCard).toHaveBeenCalledTimes(2);
	});

	it('sends a conflict back to the agent', async () => {
		const sheet = await opened(full({ status: 'in_review' }));
		vi.mocked(resolveConflicts).mockResolvedValueOnce(full({ status: 'in_progress', version: 2 }));
		expect(await sheet.resolveConflicts()).toBe(true);
		expect(resolveConflicts).toHaveBeenCalledWith('c1');
		expect(sheet.detail?.status).toBe('in_progress');
	});

	it('hears of a merge on the forge, and closes the card', async () => {
		const sheet = await opened(full({ status: 'in_review', pr_state: 'open' }));
		vi.mocked(refreshPull).mockResolvedValueOnce(full({ pr_state: 'merged', version: 2 }));
		expect(await sheet.refreshPull()).toBe(true);
		expect(sheet.detail?.pr_state).toBe('merged');
		vi.mocked(closeCard).mockRejectedValueOnce(new Error('It is not known to be merged.'));
		expect(await sheet.close()).toBe(false);
		expect(sheet.refusal?.text).toBe('It is not known to be merged.');
		vi.mocked(closeCard).mockResolvedValueOnce(full({ status: 'done', version: 3 }));
		expect(await sheet.close()).toBe(true);
		expect([sheet.detail?.status, sheet.refusal]).toEqual(['done', null]);
	});

	it('reads the changes again after bringing the base in, and only then', async () => {
		const sheet = await opened(full({ status: 'in_review' }));
		const review = aReview();
		const problem = {
			title: '',
			status: 409,
			detail: 'It conflicts.',
			code: 'merge_conflict',
			files: ['a.ts'],
		};
		vi.mocked(updateBranch).mockRejectedValueOnce(new ApiError(problem));
		expect(await sheet.updateBranch(review, 'rebase')).toBe(false);
		expect(sheet.refusal).toEqual({ text: 'It conflicts.', files: ['a.ts'] });
		expect(review.load).not.toHaveBeenCalled();
		vi.mocked(updateBranch).mockResolvedValueOnce(full({ version: 2, head_sha: 'new' }));
		expect(await sheet.updateBranch(review, 'merge')).toBe(true);
		expect(updateBranch).toHaveBeenLastCalledWith('c1', 'merge');
		expect(review.load).toHaveBeenCalledTimes(1);
	});

	it('offers to squash only what is to be approved', async () => {
		const sheet = await opened(full({ status: 'in_review' }));
		const problem = { title: '', status: 409, detail: 'No.', code: 'rebase_conflict' };
		vi.mocked(updateBranch).mockRejectedValueOnce(new ApiError(problem));
		await sheet.updateBranch(aReview(), 'rebase');
		expect(sheet.refusal?.squashable).toBeUndefined();
	});

	it('offers to squash what cannot be replayed, and then does', async () => {
		const sheet = await opened();
		const review = aReview();
		const problem = { title: '', status: 409, detail: 'No.', code: 'rebase_conflict' };
		vi.mocked(review.approve).mockRejectedValueOnce(new ApiError(problem));
		expect(await sheet.approve(review)).toBe(false);
		expect(sheet.refusal?.squashable).toBe(true);
		expect(await sheet.approve(review, 'squash')).toBe(true);
		expect(review.approve).toHaveBeenLastCalledWith({ method: 'squash', require_resolved: true });
	});

	it('asks once about comments that nobody has resolved', async () => {
		const sheet = await opened(full({ status: 'in_review' }));
		const problem = { title: '', status: 409, detail: 'No.', code: 'unresolved_comments' };
		const review = aReview({ unresolved: [{ state: 'open' }, { state: 'answered' }] });
		vi.mocked(review.approve).mockRejectedValueOnce(new ApiError(problem));
		expect(await sheet.approve(review, 'squash')).toBe(false);
		expect(sheet.asking).toEqual({ method: 'squash' });
		expect(sheet.refusal).toBeNull();
		expect(question(review)).toEqual({
			title: 'Approve with 2 comments not resolved?',
			text: 'Not resolved: 1 open, 1 answered. They stay on the card, and can be resolved afterwards.',
		});
		expect(question({ ...review, comments: [COMMENT] }).text).toMatch(/not seen it.*1 open/);
		expect(await sheet.approve(review, 'squash', true)).toBe(true);
		expect(review.approve).toHaveBeenLastCalledWith({ method: 'squash', require_resolved: false });
	});

	it('keeps a refusal with its files until the next command', async () => {
		const sheet = await opened();
		const problem = { title: '', status: 409, detail: 'No.', code: 'x', files: ['a.ts'] };
		vi.mocked(startCard).mockRejectedValueOnce(new ApiError(problem));
		expect(await sheet.command(full(), 'start')).toBe(false);
		expect(sheet.refusal).toEqual({ text: 'No.', files: ['a.ts'] });
		vi.mocked(startCard).mockResolvedValueOnce(full({ status: 'in_progress', version: 2 }));
		expect(await sheet.command(full(), 'start')).toBe(true);
		expect(sheet.refusal).toBeNull();
		expect(sheet.detail?.status).toBe('in_progress');
	});

	it('sends one command at a time', async () => {
		const sheet = await opened();
		vi.mocked(cancelCard).mockReturnValue(new Promise(() => undefined));
		void sheet.command(full(), 'cancel');
		expect(sheet.busy).toBe('cancel');
		expect(await sheet.command(full(), 'cancel')).toBe(false);
		expect(cancelCard).toHaveBeenCalledTimes(1);
	});

	it('begins anew from the base when asked', async () => {
		const sheet = await opened();
		vi.mocked(startCard).mockResolvedValueOnce(full({ version: 2 }));
		await sheet.startFresh(full());
		expect(startCard).toHaveBeenCalledWith('c1', true);
	});

	it('sends message and comments, and then nothing is a draft any more', async () => {
		const sheet = await opened();
		const review = aReview({ comments: [COMMENT] });
		vi.mocked(requestChanges).mockResolvedValueOnce(full({ version: 2 }));
		sheet.message = ' Sum them. ';
		expect(await sheet.requestChanges(review)).toBe(true);
		expect(requestChanges).toHaveBeenCalledWith('c1', 'Sum them.', [COMMENT]);
		expect(sheet.message).toBe('');
		expect(review.clear).toHaveBeenCalled();
	});

	it('keeps what was written when it was not sent', async () => {
		const sheet = await opened();
		const review = aReview({ comments: [COMMENT] });
		vi.mocked(requestChanges).mockRejectedValueOnce(new Error('Down.'));
		sheet.message = 'Sum them.';
		expect(await sheet.requestChanges(review)).toBe(false);
		expect(sheet.message).toBe('Sum them.');
		expect(review.clear).not.toHaveBeenCalled();
	});

	it('does not send nothing', async () => {
		const sheet = await opened();
		expect(await sheet.requestChanges(aReview())).toBe(false);
		expect(requestChanges).not.toHaveBeenCalled();
	});
});

describe('approving', () => {
	const reviewed = full({ status: 'in_review' });

	it('says why it cannot be done yet', () => {
		expect(whyNotApprove(reviewed, aReview())).toBeNull();
		expect(whyNotApprove(reviewed, aReview({ headSha: null }))).toMatch(/^Look at the changes/);
		expect(whyNotApprove(reviewed, aReview({ headSha: null, loading: true }))).toMatch(/read/);
		expect(whyNotApprove(reviewed, aReview({ moved: { commits: 2 } }))).toMatch(/has moved/);
		const conflicting = { ...reviewed, live: aLive({ mergeable: false }) };
		expect(whyNotApprove(conflicting, aReview())).toMatch(/conflicts/);
	});

	it('goes through the review, which knows the commit that was seen', async () => {
		const review = aReview();
		const close = vi.fn();
		await approveAndClose(reviewed, await opened(reviewed), review, close);
		expect(review.approve).toHaveBeenCalledTimes(1);
		expect(close).toHaveBeenCalled();
		expect(toast).toHaveBeenCalledWith('Merged #1 as abcdef0.', { tone: 'ok' });
	});

	it('asks once about comments that were not sent', async () => {
		const sheet = await opened(reviewed);
		const review = aReview({ comments: [COMMENT] });
		const close = vi.fn();
		await approveAndClose(reviewed, sheet, review, close);
		expect(sheet.asking).toEqual({ method: undefined });
		await approveAndClose(reviewed, sheet, review, close, false, 'squash');
		expect(sheet.asking).toEqual({ method: 'squash' });
		expect(review.approve).not.toHaveBeenCalled();
		await approveAndClose(reviewed, sheet, review, close, true, sheet.asking?.method);
		expect(review.approve).toHaveBeenCalledTimes(1);
		expect(review.approve).toHaveBeenCalledWith({ method: 'squash', require_resolved: false });
	});

	it('offers every way to merge, the usual one marked, and none while it cannot be', () => {
		const chosen = vi.fn();
		const items = approveMenu('squash', null, chosen);
		expect(items.map(({ checked }) => checked)).toEqual([false, true, false]);
		items[2]?.run?.();
		expect(chosen).toHaveBeenCalledWith('rebase');
		const barred = approveMenu('merge', 'It conflicts.', chosen);
		expect(barred.every(({ disabled }) => disabled)).toBe(true);
	});

	it('stays open and says why when it was refused', async () => {
		const sheet = await opened(reviewed);
		const approve = vi.fn().mockRejectedValue(new Error('The branch has moved.'));
		const close = vi.fn();
		await approveAndClose(reviewed, sheet, aReview({ approve }), close);
		expect(sheet.refusal?.text).toBe('The branch has moved.');
		expect(close).not.toHaveBeenCalled();
	});

	it('closes a card on which nothing was changed without a look', () => {
		const unchanged = { ...reviewed, no_changes: true };
		expect(approveLabel(unchanged)).toBe('Close card');
		expect(whyNotApprove(unchanged, aReview({ headSha: null }))).toBeNull();
		expect(approveLabel({ ...unchanged, live: aLive({ files: 2 }) })).toBe('Approve and merge');
	});
});
