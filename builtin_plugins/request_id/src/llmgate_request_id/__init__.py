"""Gives every request an id and puts it on the answer."""


class RequestIdPlugin:
    """Gives every request an id and puts it on the answer."""
