"""An in-process provider that answers without a network: for first minutes, demos and tests."""


class EchoPlugin:
    """An in-process provider that answers without a network: for first minutes, demos and tests."""
