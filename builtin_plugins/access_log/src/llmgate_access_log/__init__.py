"""One JSON line per request."""


class AccessLogPlugin:
    """One JSON line per request."""
