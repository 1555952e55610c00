/**
 * One question at a time, asked of the person before something that cannot be taken back. The page shows it
 * (`Confirm.svelte`); whoever asks waits for the word.
 */

export interface Question {
	title: string;
	text: string;
	/** What the button that means yes says. */
	verb: string;
	/** Nothing is destroyed by a yes. */
	safe?: boolean;
}

export class Questions {
	asked = $state.raw<Question | null>(null);
	#settle: (yes: boolean) => void = () => undefined;

	/** True when the person agrees. A question that is still open is given up. */
	ask(question: Question): Promise<boolean> {
		this.#settle(false);
		this.asked = question;
		return new Promise((resolve) => (this.#settle = resolve));
	}

	/** The person's word; a second one says nothing. */
	answer(yes: boolean): void {
		this.asked = null;
		this.#settle(yes);
	}
}

export const questions = new Questions();
