/** Light, dark, or what the system says. /theme.js applies it before the first paint. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'lazyaf.theme';

class Appearance {
	#theme = $state<Theme>((document.documentElement.dataset.theme as Theme) ?? 'system');

	get theme(): Theme {
		return this.#theme;
	}

	set theme(theme: Theme) {
		this.#theme = theme;
		if (theme === 'system') delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = theme;
		try {
			if (theme === 'system') localStorage.removeItem(KEY);
			else localStorage.setItem(KEY, theme);
		} catch {
			// Storage is off: good for this tab only.
		}
	}
}

export const appearance = new Appearance();
