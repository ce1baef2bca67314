"""Finds targets for a model: provider/model, aliases, ordered and weighted lists."""


class RouterPlugin:
    """Finds targets for a model: provider/model, aliases, ordered and weighted lists."""
