"""Picks a provider key per attempt; rests or retires keys that fail."""


class KeyRotationPlugin:
    """Picks a provider key per attempt; rests or retires keys that fail."""
