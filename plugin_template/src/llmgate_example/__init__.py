"""Refuses models by name, and greets in a header of every answer."""

from __future__ import annotations

from fnmatch import fnmatchcase

from attrs import define, field, validators

from llmgate_core import Exchange, Plugin
from llmgate_core.errors import PermissionDenied


@define
class ExampleConfig:
    """``[plugins.example]``: every option has a type and a default.

    ``greeting`` stands in the header ``x-example`` of every answer. ``refuse`` are
    shell patterns of model names, as clients write them, that nobody may ask for.
    """

    greeting: str = field(default="hello", validator=validators.matches_re(r"[ -~]+"))
    refuse: list[str] = field(factory=list)


class ExamplePlugin(Plugin):
    """One instance per gateway. ``llmgate hooks`` shows when its hooks run."""

    hook_api = 1
    config_class = ExampleConfig
    config: ExampleConfig

    def llmgate_pre_request(self, exchange: Exchange) -> None:
        """Runs once per request, before any provider is thought of."""
        exchange.response_headers["x-example"] = self.config.greeting
        if any(fnmatchcase(exchange.model, name) for name in self.config.refuse):
            raise PermissionDenied(
                f"the model {exchange.model[:100]!r} is not served here; [plugins.example] refuse says so",
                code="model_refused",
                param="model",
            )
