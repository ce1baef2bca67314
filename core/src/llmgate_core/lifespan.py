"""What a plugin opens for the life of a gateway, entered and left so that every failure names the plugin."""

from __future__ import annotations

import inspect
import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .chains import Implementation
from .config import ConfigError
from .plugins import start_failed

if TYPE_CHECKING:
    from .gateway import Gateway

logger = logging.getLogger("llmgate")
HOOK = "llmgate_lifespan"


class Lifespan:
    """One plugin's ``llmgate_lifespan``. An exception on entering ends the start; one on leaving is logged."""

    def __init__(self, implementation: Implementation, gateway: Gateway) -> None:
        self._implementation = implementation
        self._gateway = gateway
        self._inner: Any = None

    async def __aenter__(self) -> None:
        try:
            self._inner = _checked(self._implementation.call(gateway=self._gateway))
            await self._inner.__aenter__()
        except ConfigError:
            raise
        except Exception as error:
            raise start_failed(self._implementation.plugin, HOOK, error, self._gateway.config) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            await self._inner.__aexit__(kind, error, at)
        except Exception:
            logger.exception("plugin %r failed in leaving %s", self._implementation.plugin, HOOK)


def _checked(given: Any) -> Any:
    if inspect.iscoroutine(given):
        given.close()
        raise TypeError(
            "it returned a coroutine; decorate the method with @contextlib.asynccontextmanager, and yield once"
        )
    if not hasattr(given, "__aenter__"):
        raise TypeError(f"it returned a {type(given).__name__}, not an async context manager")
    return given
