"""The routes, one module per kind of thing. Each parses, asks one service and answers."""
