// A page of which a part did not arrive is loaded again: a browser gives up what it is fetching when the network of
// its machine changes, as it does there whenever a container starts. What is typed and not sent keeps it from that.
(function () {
	var KEY = 'lazyaf.reloads';
	var PERIOD_MS = 30000;
	var MOST = 3;
	var PAUSE_MS = 300;
	var isWaiting = false;

	/** Whether it may, so many times in so long; without a storage to count in it might go on for ever. */
	function isAllowed() {
		try {
			var before = JSON.parse(sessionStorage.getItem(KEY) || '[]');
			var recent = before.filter(function (at) {
				return Date.now() - at < PERIOD_MS;
			});
			sessionStorage.setItem(KEY, JSON.stringify(recent.concat(Date.now())));
			return recent.length < MOST;
		} catch {
			return false;
		}
	}

	function isTyped() {
		var fields = document.querySelectorAll('textarea, input:not([type=checkbox], [type=radio])');
		return Array.from(fields).some(function (field) {
			return field.value !== '';
		});
	}

	/** Not while the code of a link is exchanged: it is good once, and what comes for it would go to nobody. */
	function reloadSoon() {
		setTimeout(function () {
			var page = document.documentElement;
			if (page.hasAttribute('data-signing-in')) {
				reloadSoon();
			} else if (isTyped()) {
				isWaiting = false;
			} else {
				page.setAttribute('data-reloading', ''); // no code is exchanged any more
				location.reload();
			}
		}, PAUSE_MS);
	}

	/** What was asked for fails all the same: whoever waits for a part must not go on with nothing. */
	function reload() {
		if (isWaiting || isTyped() || !isAllowed()) return;
		isWaiting = true;
		reloadSoon();
	}

	addEventListener(
		'error',
		function (event) {
			var part = event.target;
			if (part instanceof HTMLLinkElement && part.rel === 'stylesheet') reload();
		},
		true,
	);
	addEventListener('vite:preloadError', reload);
	addEventListener('unhandledrejection', function (event) {
		if (/dynamically imported module|module script failed/.test(String(event.reason))) reload();
	});
})();
