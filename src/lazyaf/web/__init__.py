"""The transport: HTTP, WebSocket and git over HTTP. Parses, asks a service, answers; knows no rules."""
