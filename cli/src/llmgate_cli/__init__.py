"""The ``llmgate`` command: serve, check a configuration, list and make plugins."""
