import { expect, it } from 'vitest';
import { bytes } from './bytes.ts';

it.each([
	[0, '0 bytes'],
	[1, '1 byte'],
	[999, '999 bytes'],
	[1_000, '1 kB'],
	[999_499, '999 kB'],
	[999_500, '1 MB'],
	[12_345_678, '12.3 MB'],
])('%d', (count, text) => expect(bytes(count)).toBe(text));
