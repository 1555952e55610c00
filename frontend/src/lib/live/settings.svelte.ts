/** The server's own settings: whether it gives out jobs, its default agent, whose names it writes. */

import { sentence } from '#lib/api/http.ts';
import { getSettings, updateSettings } from '#lib/api/system.ts';
import type { LiveEvent, Settings, SettingsPatch } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

export class SettingsStore implements FeedSubscriber {
	value = $state.raw<Settings | null>(null);
	failure = $state<string | null>(null);

	/** A person has told the server to give out no job. */
	readonly paused: boolean = $derived(this.value?.claims_paused ?? false);

	async load(): Promise<void> {
		try {
			this.value = await getSettings();
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		}
	}

	/** Raises what the server raised. */
	async save(changes: Partial<SettingsPatch>): Promise<Settings> {
		const settings = await updateSettings(changes);
		this.value = settings;
		return settings;
	}

	event(event: LiveEvent): void {
		const { settings } = event.data;
		if (settings && this.value) this.value = { ...this.value, ...settings };
	}

	refresh(): void {
		void this.load();
	}
}

export const serverSettings = new SettingsStore();
