/** Put a text on the clipboard; false where the browser does not allow that, as without HTTPS. */
export async function copied(text: string): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return false;
	}
}
