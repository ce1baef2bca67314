"""Tries a target again with back-off, inside one deadline and a retry budget."""


class RetryPlugin:
    """Tries a target again with back-off, inside one deadline and a retry budget."""
