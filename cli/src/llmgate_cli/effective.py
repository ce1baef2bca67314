"""The configuration as it is in force: what the file says, and every default it leaves alone. Secrets are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .masking import masked
from .order import DEFAULT_ORDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmgate_core.config import Config
    from llmgate_core.gateway import Gateway


def effective(config: Config) -> dict[str, Any]:
    """``{"gateway": {…}, "providers": {name: {…}}, "plugins": {name: {…}}}``. Raises :class:`ConfigError`."""
    from llmgate_core.startup import build_gateway

    gateway = build_gateway(config, default_order=DEFAULT_ORDER)
    return {
        "gateway": {**masked(config.gateway), "plugins": list(gateway.registry.plugin_names)},
        "providers": {name: _provider(provider) for name, provider in gateway.registry.providers.items()},
        "plugins": _plugins(gateway, config),
    }


def _provider(provider: Any) -> dict[str, Any]:
    section = {**masked(provider.config), "type": provider.type}
    if "base_url" in section:
        section["base_url"] = masked(getattr(provider, "base_url", section["base_url"]))
    return section


def _plugins(gateway: Gateway, config: Config) -> dict[str, Any]:
    from llmgate_core.strict import structure

    sections: dict[str, Any] = {}
    for plugin in gateway.plugins:
        config_class = getattr(type(plugin.instance), "config_class", None)
        if config_class is not None:
            given: Mapping[str, Any] = config.plugins.get(plugin.name, {})
            sections[plugin.name] = masked(structure(dict(given), config_class, f"plugins.{plugin.name}"))
    return sections
