/** Times as people read them. All pure: now comes in. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `0:09`, `3:12`, `1:02:07`: how long since `start`. Never negative: clocks differ. */
export function elapsed(start: string | number, now: number): string {
	const total = Math.max(0, Math.floor((now - new Date(start).getTime()) / SECOND));
	const seconds = String(total % 60).padStart(2, '0');
	const minutes = Math.floor(total / 60) % 60;
	const hours = Math.floor(total / 3600);
	return hours
		? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`
		: `${minutes}:${seconds}`;
}

/** `now`, `4 min ago`, `3 h ago`, `yesterday`, `12 Mar`. */
export function ago(at: string, now: number): string {
	const age = now - new Date(at).getTime();
	if (age < MINUTE) return 'just now';
	if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
	if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
	if (age < 2 * DAY) return 'yesterday';
	if (age < 7 * DAY) return `${Math.floor(age / DAY)} days ago`;
	return day(at, now);
}

/** `12 Mar`, with its year when that is not the present one. */
export function day(at: string, now: number): string {
	const then = new Date(at);
	const sameYear = then.getFullYear() === new Date(now).getFullYear();
	return then.toLocaleDateString('en', {
		day: 'numeric',
		month: 'short',
		year: sameYear ? undefined : 'numeric',
	});
}

/**
 * A sentence with the hour at which a job goes on, as the reader's clock will show it: the runner
 * says it in UTC. Other words stay as they are.
 */
export function localTime(sentence: string, now = Date.now()): string {
	return sentence.replace(/(?<=\bwaits until )(\d\d):(\d\d) UTC/, (_, hours, minutes) =>
		new Date(new Date(now).setUTCHours(Number(hours), Number(minutes))).toLocaleTimeString('en', {
			hour: '2-digit',
			minute: '2-digit',
			hourCycle: 'h23',
		}),
	);
}

/** `5 s`, `12 min`: an age that is expected to be short, like a heartbeat's. */
export function age(at: string, now: number): string {
	const seconds = Math.max(0, Math.floor((now - new Date(at).getTime()) / SECOND));
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
	return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** `850 ms`, `2.4 s`, `62 s`: how long a command took. */
export function spent(seconds: number): string {
	if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
	return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** `$0.07`, `$12.40`; under a cent says so instead of lying with $0.00. */
export function dollars(amount: number): string {
	return amount > 0 && amount < 0.01 ? '<$0.01' : `$${amount.toFixed(2)}`;
}
