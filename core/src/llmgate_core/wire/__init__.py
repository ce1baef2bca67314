"""Bytes in, bytes out: the HTTP server and the HTTP client. Knows no plugin."""
