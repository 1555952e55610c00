/** A new password while a person types it: checked here for slips, judged by the server. */

import { ApiError, sentence } from '#lib/api/http.ts';
import { changePassword } from '#lib/api/system.ts';

interface Ports {
	changePassword: typeof changePassword;
	/** The change ends this browser's session too. */
	signIn: (password: string) => Promise<void>;
}

export class PasswordChange {
	current = $state('');
	password = $state('');
	again = $state('');
	errors = $state.raw<Readonly<Record<string, string>>>({});
	failure = $state<string | null>(null);
	busy = $state(false);
	#ports: Ports;

	constructor(
		private readonly hadOne: boolean,
		ports: Partial<Ports> & Pick<Ports, 'signIn'>,
	) {
		this.#ports = { changePassword, ...ports };
	}

	/** Whether it was changed. */
	async save(): Promise<boolean> {
		this.errors = this.#check();
		this.failure = null;
		if (this.busy || Object.keys(this.errors).length > 0) return false;
		this.busy = true;
		try {
			await this.#ports.changePassword(this.password, this.hadOne ? this.current : null);
			await this.#ports.signIn(this.password);
			return true;
		} catch (error) {
			this.#refused(error);
			return false;
		} finally {
			this.busy = false;
		}
	}

	#check(): Record<string, string> {
		if (this.hadOne && !this.current) return { current: 'Prove that it is you.' };
		if (!this.password) return { password: 'Choose one.' };
		if (this.password !== this.again) return { again: 'These are not the same.' };
		return {};
	}

	#refused(error: unknown): void {
		const problem = error instanceof ApiError ? error.problem : null;
		if (problem?.code === 'wrong_password') this.errors = { current: problem.detail };
		else if (problem?.fields) this.errors = problem.fields;
		else this.failure = sentence(error);
	}
}
