"""Where runners come from. A pool starts and ends them; what they do is between them and the server."""
