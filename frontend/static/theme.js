// Runs before the first paint, so that a chosen theme never flashes (see lib/live/appearance.svelte.ts).
try {
	var theme = localStorage.getItem('lazyaf.theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage is off: the system's theme it is.
}
