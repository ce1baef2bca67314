"""Reading the configuration again, with the command line's overrides, for a reload."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from llmgate_core.config import Config


@frozen
class Rereading:
    """Reads the configuration again, and says when it asks for what only a restart gives."""

    read: partial[Config]
    asked: tuple[str, int]

    def __call__(self) -> Config:
        """The configuration as it is now. Raises :class:`ConfigError`."""
        config = self.read()
        if (config.gateway.host, config.gateway.port) != self.asked:
            logging.getLogger("llmgate").warning("[gateway] host and port change only with a restart")
        return config
