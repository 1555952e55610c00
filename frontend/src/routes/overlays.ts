/** What any page may bring up on top of itself. */

import { createContext } from 'svelte';

export interface Overlays {
	palette(): void;
	runners(): void;
}

export const [getOverlays, setOverlays] = createContext<Overlays>();
