import { expect, it } from 'vitest';
import { whole } from './log-source.ts';

it('makes an entry whole, with the agent’s own line only where that is shown', () => {
	const sent = { seq: 1, at: '2026-01-01T00:00:00Z', raw: '{"type":"assistant"}' };
	expect(whole({ ...sent, kind: 'message' })).toMatchObject({ text: '', name: null, raw: null });
	expect(whole({ ...sent, kind: 'raw' }).raw).toBe(sent.raw);
});
