"""A small working plugin to start from."""


class ExamplePlugin:
    """A small working plugin to start from."""
