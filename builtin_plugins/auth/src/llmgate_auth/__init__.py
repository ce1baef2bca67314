"""Client keys: who may use the gateway."""


class AuthPlugin:
    """Client keys: who may use the gateway."""
