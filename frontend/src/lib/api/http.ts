/**
 * The one way the browser speaks HTTP with the server: JSON in and out, the token as a header
 * (rules.md R3: never a cookie, never a query string), problem+json as `ApiError`.
 *
 * A GET without an answer is asked once more: a browser drops what is under way when its machine's network
 * changes. Nothing else is repeated: a caller knows whether its request may be.
 */

/** RFC 9457 with the members LazyAF adds. */
export interface Problem {
	type?: string;
	title: string;
	status: number;
	detail: string;
	code: string;
	/** 409: the commands that this state does allow. */
	allowed?: string[];
	/** Merge conflicts: the paths. */
	files?: string[];
	/** 422: a sentence per field. */
	fields?: Record<string, string>;
}

/** The server answered, and the answer is no. `message` is a sentence for people. */
export class ApiError extends Error {
	constructor(readonly problem: Problem) {
		super(problem.detail || problem.title);
		this.name = 'ApiError';
	}
	get status(): number {
		return this.problem.status;
	}
	get code(): string {
		return this.problem.code;
	}
}

/** No answer at all: the server is down or the network is. */
export class Unreachable extends Error {
	constructor() {
		super('The LazyAF server does not answer. Is `lazyaf serve` running?');
		this.name = 'Unreachable';
	}
}

/** Before a GET is asked once more. */
const AGAIN_MS = 300;

type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
	query?: Query;
	body?: unknown;
	/** Sent as `If-Match`: the command is refused when the thing has changed meanwhile. */
	version?: number;
	signal?: AbortSignal;
}

/** Where the credential comes from and what to do when it is refused; set once by the session. */
export interface Credentials {
	token(): string | null;
	refused(): void;
}

let credentials: Credentials = { token: () => null, refused: () => undefined };

export function useCredentials(source: Credentials): void {
	credentials = source;
}

/** Send one request; `path` begins with /api. Raises `ApiError` or `Unreachable`. */
export async function request<T>(
	method: string,
	path: string,
	options: RequestOptions = {},
): Promise<T> {
	const response = await send(method, path, options);
	const body = await response.text();
	return (body === '' ? undefined : JSON.parse(body)) as T; // "accepted" has none, like "no content"
}

/** As `request`, for a body that is not JSON: a stream of events, a download. */
export async function send(
	method: string,
	path: string,
	options: RequestOptions & { accept?: string } = {},
): Promise<Response> {
	const headers = new Headers({ Accept: options.accept ?? 'application/json' });
	const token = credentials.token();
	if (token) headers.set('Authorization', `Bearer ${token}`);
	if (options.body !== undefined) headers.set('Content-Type', 'application/json');
	if (options.version !== undefined) headers.set('If-Match', `"${options.version}"`);

	const response = await answered(path + queryString(options.query), {
		method,
		headers,
		body: options.body === undefined ? undefined : JSON.stringify(options.body),
		signal: options.signal,
		credentials: 'omit',
		cache: 'no-store',
	});
	if (response.ok) return response;
	if (response.status === 401) credentials.refused();
	throw new ApiError(await problemOf(response));
}

async function answered(
	url: string,
	asked: RequestInit,
	again = asked.method === 'GET',
): Promise<Response> {
	try {
		return await fetch(url, asked);
	} catch (error) {
		if (asked.signal?.aborted) throw error;
		if (!again) throw new Unreachable();
	}
	await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
	return answered(url, asked, false);
}

/**
 * Post a file as it is, and hear how much of it is sent. The one request that is no `fetch`, which cannot
 * tell that; it is refused in the same words.
 */
export async function upload<T>(
	path: string,
	query: Query,
	file: Blob,
	onprogress: (part: number) => void,
): Promise<T> {
	const asked = new XMLHttpRequest();
	asked.open('POST', path + queryString(query));
	asked.setRequestHeader('Accept', 'application/json');
	asked.setRequestHeader('Content-Type', 'application/octet-stream');
	const token = credentials.token();
	if (token) asked.setRequestHeader('Authorization', `Bearer ${token}`);
	asked.upload.onprogress = ({ loaded, total }) => onprogress(total ? loaded / total : 0);
	await new Promise<void>((resolve, reject) => {
		asked.onload = () => resolve();
		asked.onerror = asked.onabort = () => reject(new Unreachable());
		asked.send(file);
	});
	const response = new Response(asked.responseText, {
		status: asked.status,
		statusText: asked.statusText,
	});
	if (response.ok) return (await response.json()) as T;
	if (response.status === 401) credentials.refused();
	throw new ApiError(await problemOf(response));
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
	request<T>('GET', path, { query, signal });
export const post = <T>(path: string, body: unknown = {}) => request<T>('POST', path, { body });

function queryString(query: Query = {}): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== null && value !== undefined) search.set(name, String(value));
	}
	const text = search.toString();
	return text ? `?${text}` : '';
}

async function problemOf(response: Response): Promise<Problem> {
	const fallback: Problem = {
		title: response.statusText || 'Request failed',
		status: response.status,
		detail: `The server answered ${response.status} without saying why.`,
		code: 'unknown',
	};
	try {
		return { ...fallback, ...((await response.json()) as Partial<Problem>) };
	} catch {
		return fallback;
	}
}

/** Any thrown value as a sentence for people. */
export function sentence(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
