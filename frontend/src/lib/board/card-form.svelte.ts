/** What a person is writing about a card, new or known, and whether it can be sent. */

import { createCard, getCard, startCard, updateCard } from '#lib/api/cards.ts';
import { ApiError, sentence } from '#lib/api/http.ts';
import type { AgentOptions, Card, CardDraft, CardTemplate, Repo } from '#lib/api/types.ts';
import { consent } from '#lib/live/consent.svelte.ts';

export const TITLE_MAX = 200;
export const DESCRIPTION_MAX = 64 * 1024;

type Beginning = Omit<CardTemplate, 'file' | 'name' | 'about' | 'problem'>;
const EMPTY: Beginning = {
	title: '',
	description: '',
	labels: [],
	priority: 0,
	agent: null,
	agent_options: {},
	base_branch: null,
};

/** What a form needs to know of a repository: which agent runs, and from where, when nothing is chosen. */
export type CardRepo = Pick<Repo, 'id' | 'default_branch'> & {
	settings: Pick<Repo['settings'], 'agent'>;
};

export class CardForm {
	title = $state('');
	description = $state('');
	labels = $state<string[]>([]);
	priority = $state(0);
	/** Empty: the repository's own. */
	agent = $state('');
	command = $state('');
	model = $state('');
	baseBranch = $state('');

	sending = $state(false);
	/** What is wrong, by field; '' for the whole. Shown after the first try. */
	errors = $state<Record<string, string>>({});

	/** What is written about; null until there is such a card. */
	card = $state.raw<Card | null>(null);

	#template: CardTemplate | null = null;
	/** What stood in it when it was opened. */
	readonly #begun: string;
	/** Where a new card goes. */
	repo: CardRepo;

	constructor(repo: CardRepo, card: Card | null) {
		this.repo = $state.raw(repo);
		if (card) this.#read(card);
		this.#begun = JSON.stringify(this.draft);
	}

	#read(card: Card): void {
		this.card = card;
		this.title = card.title;
		this.description = card.description;
		this.labels = [...card.labels];
		this.priority = card.priority;
		this.agent = card.agent ?? '';
		this.command = card.agent_options.command ?? '';
		this.model = card.agent_options.model ?? '';
		this.baseBranch = card.base_branch ?? '';
	}

	/** The agent that would run: its options are the ones to fill in. */
	get effectiveAgent(): string | null {
		return this.agent || this.repo.settings.agent;
	}

	/** Would something that was written be lost? */
	get isDirty(): boolean {
		return JSON.stringify(this.draft) !== this.#begun;
	}

	/**
	 * Fill in what a template says, or without one take that out again. What a person has changed meanwhile
	 * stays as it is.
	 */
	beginWith(template: CardTemplate | null): void {
		const before = this.#template ?? EMPTY;
		const now = template ?? EMPTY;
		const untouched = <T>(present: T, was: T, wanted: T): T => (present === was ? wanted : present);
		this.title = untouched(this.title, before.title, now.title);
		this.description = untouched(this.description, before.description, now.description);
		this.priority = untouched(this.priority, before.priority, now.priority);
		this.agent = untouched(this.agent, before.agent ?? '', now.agent ?? '');
		this.baseBranch = untouched(this.baseBranch, before.base_branch ?? '', now.base_branch ?? '');
		const option = (name: 'command' | 'model') =>
			untouched(this[name], before.agent_options[name] ?? '', now.agent_options[name] ?? '');
		[this.command, this.model] = [option('command'), option('model')];
		const own = this.labels.filter((label) => !before.labels.includes(label));
		this.labels = [...new Set([...own, ...now.labels])];
		this.#template = template;
	}

	addLabels(text: string): void {
		const added = text.split(',').map((label) => label.trim());
		this.labels = [...new Set([...this.labels, ...added.filter(Boolean)])];
	}

	get draft(): CardDraft {
		return {
			title: this.title.trim(),
			description: this.description,
			labels: this.labels,
			priority: this.priority,
			agent: this.agent || null,
			agent_options: this.#options(),
			base_branch: this.baseBranch.trim() || null,
		};
	}

	/** The card as the server has it now; null with `errors` filled, or when it shall not start without isolation. */
	async send(start = false): Promise<Card | null> {
		if (this.sending || !this.#check()) return null;
		this.sending = true;
		try {
			if (start && !(await consent.obtain())) return null;
			this.card = this.card
				? await this.#update(this.card)
				: await createCard(this.repo.id, { ...this.draft, start });
			return this.card;
		} catch (error) {
			this.errors = said(error);
			return null;
		} finally {
			this.sending = false;
		}
	}

	/** Start what was sent; whether that was taken. */
	async start({ id, number }: Card): Promise<boolean> {
		if (!(await consent.obtain())) {
			this.errors = { '': `#${number} is saved, and not started.` };
			return false;
		}
		try {
			await startCard(id);
			return true;
		} catch (error) {
			this.errors = { '': `#${number} is saved, and not started. ${sentence(error)}` };
			return false;
		}
	}

	/** A newer version in which nothing of this was changed is no reason to refuse: the server measures
	 * a card in review anew whenever its base moves. */
	async #update(seen: Card): Promise<Card> {
		try {
			return await updateCard(seen.id, this.draft, seen.version);
		} catch (error) {
			if (!(error instanceof ApiError && error.status === 412)) throw error;
			const now = await getCard(seen.id);
			if (written(now) !== written(seen)) throw error;
			return await updateCard(seen.id, this.draft, now.version);
		}
	}

	#check(): boolean {
		const errors: Record<string, string> = {};
		if (!this.title.trim()) errors.title = 'A card needs a title.';
		if (this.title.trim().length > TITLE_MAX) {
			errors.title = `At most ${TITLE_MAX} characters; put the rest in the description.`;
		}
		if (this.effectiveAgent === 'script' && !this.command.trim()) {
			errors.command = 'Say which command the script agent runs.';
		}
		this.errors = errors;
		return Object.keys(errors).length === 0;
	}

	#options(): AgentOptions {
		if (this.effectiveAgent === 'script') return { command: this.command.trim() };
		if (this.effectiveAgent === 'claude' && this.model.trim()) return { model: this.model.trim() };
		return {};
	}
}

/** What a form can say of a card. */
function written(card: Card): string {
	const { title, description, labels, priority, agent, agent_options, base_branch } = card;
	return JSON.stringify([title, description, labels, priority, agent, agent_options, base_branch]);
}

function said(error: unknown): Record<string, string> {
	if (error instanceof ApiError && error.status === 412) {
		return { '': 'Someone changed this card meanwhile. Close, look at it, and edit again.' };
	}
	if (error instanceof ApiError && error.problem.fields) return error.problem.fields;
	return { '': sentence(error) };
}
