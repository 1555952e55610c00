/**
 * The files of one card: those that the server has, and those that a person just gave.
 *
 * On a card's details they are sent at once. In its dialog they wait until it is saved, as what is to go
 * does: cancelling changes nothing. One that is refused stays, with the reason, to be tried again.
 */

import { attachFile, listAttachments, removeAttachment } from '#lib/api/attachments.ts';
import { sentence } from '#lib/api/http.ts';
import type { Attachment, LiveEvent } from '#lib/api/types.ts';
import { bytes } from '#lib/live/bytes.ts';
import type { FeedSubscriber } from '#lib/live/feed.svelte.ts';
import { serverSettings } from '#lib/live/settings.svelte.ts';
import { freeName, nameOf } from './file-name.ts';

/** A file on its way to the server. */
export class Given {
	state = $state<'waiting' | 'sending' | 'refused'>('waiting');
	/** Which part of it is sent, from 0 to 1. */
	sent = $state(0);
	reason = $state<string | null>(null);
	/** It would be refused again. */
	isHopeless = $state(false);

	constructor(
		readonly file: File,
		readonly name: string,
	) {}
}

export class Attachments implements FeedSubscriber {
	kept = $state.raw<readonly Attachment[]>([]);
	given = $state.raw<readonly Given[]>([]);
	failure = $state<string | null>(null);
	#leaving = $state.raw<ReadonlySet<string>>(new Set());
	/** A person has asked that what waits is sent; trying one again means now. */
	#begun: boolean;
	#sending: Promise<void> = Promise.resolve();

	constructor(
		private cardId: string | null,
		/** Send what is given at once, and not when `save` is called. */
		private readonly atOnce: boolean,
	) {
		this.#begun = atOnce;
	}

	/** What the card has, without what is to go. */
	readonly shown: readonly Attachment[] = $derived(
		this.kept.filter(({ id }) => !this.#leaving.has(id)),
	);
	/** There is something for `save` to do. */
	readonly changed: boolean = $derived(this.given.length > 0 || this.#leaving.size > 0);
	readonly refused: number = $derived(this.given.filter(({ state }) => state === 'refused').length);

	async load(): Promise<void> {
		if (!this.cardId) return;
		try {
			this.kept = (await listAttachments(this.cardId)).items;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		}
	}

	/** Take files; the names that they have from now on. */
	add(files: readonly File[]): string[] {
		const added: Given[] = [];
		for (const file of files) {
			const taken = [...this.kept, ...this.given, ...added].map(({ name }) => name);
			const given = new Given(file, freeName(nameOf(file), taken));
			const reason = this.#why(file);
			if (reason) {
				refuse(given, reason);
				given.isHopeless = true;
			}
			added.push(given);
		}
		this.given = [...this.given, ...added];
		if (this.atOnce) void this.#send();
		return added.map(({ name }) => name);
	}

	/** Forget a file that is not sent. */
	drop(given: Given): void {
		this.given = this.given.filter((other) => other !== given);
	}

	async retry(given: Given): Promise<void> {
		given.state = 'waiting';
		if (this.#begun) await this.#send();
	}

	/** Take a file from the card: at once, or when it is saved. */
	async remove({ id }: Attachment): Promise<void> {
		this.#leaving = new Set([...this.#leaving, id]);
		if (this.atOnce) await this.#removeLeaving();
	}

	/** Do what was wished for; whether all of it is done. `cardId` is that of a card just made. */
	async save(cardId: string): Promise<boolean> {
		this.cardId = cardId;
		this.#begun = true;
		for (const given of this.given) if (!given.isHopeless) given.state = 'waiting';
		await this.#removeLeaving();
		await this.#send();
		return !this.changed;
	}

	event({ type, data }: LiveEvent): void {
		if ((type === 'card.attached' || type === 'card.detached') && data.id === this.cardId) {
			void this.load();
		}
	}

	refresh(): void {
		void this.load();
	}

	/** What the server would say, known before anything is sent. */
	#why(file: File): string | null {
		const most = serverSettings.value?.attachments.file;
		if (most === 0) return 'This server takes no attached files.';
		if (most && file.size > most) {
			return `It has ${bytes(file.size)}; a file may have ${bytes(most)} at most.`;
		}
		return file.size === 0 ? 'It is empty, or a folder.' : null;
	}

	/** One after the other, whoever asks: the server counts what a card has. */
	#send(): Promise<void> {
		this.#sending = this.#sending.then(async () => {
			for (const given of this.given) {
				if (given.state === 'waiting' && this.cardId) await this.#sendOne(this.cardId, given);
			}
		});
		return this.#sending;
	}

	async #sendOne(cardId: string, given: Given): Promise<void> {
		given.state = 'sending';
		given.sent = 0;
		given.reason = null;
		try {
			const made = await attachFile(cardId, given.file, given.name, (part) => (given.sent = part));
			this.kept = [...this.kept.filter(({ id }) => id !== made.id), made];
			this.drop(given);
		} catch (error) {
			refuse(given, sentence(error));
		}
	}

	async #removeLeaving(): Promise<void> {
		for (const id of this.#leaving) {
			try {
				await removeAttachment(id);
				this.kept = this.kept.filter((other) => other.id !== id);
				this.failure = null;
			} catch (error) {
				this.failure = sentence(error);
			}
		}
		this.#leaving = new Set();
	}
}

function refuse(given: Given, reason: string): void {
	given.state = 'refused';
	given.reason = reason;
}
