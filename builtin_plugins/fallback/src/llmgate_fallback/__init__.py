"""Moves on to other targets when one fails."""


class FallbackPlugin:
    """Moves on to other targets when one fails."""
