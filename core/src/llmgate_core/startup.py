"""From a configuration to a gateway that can serve: plugins loaded, providers built, hooks compiled, names checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from .config import Config, ConfigError
from .dialect import Dialect
from .endpoints import EndpointRouter
from .gateway import Gateway
from .hooks import Hooks
from .plugins import Found, Loaded, arrange, discover, load, start_failed
from .provider import HttpProvider, LocalProvider, Provider
from .registry import Registry
from .strict import Mistake, MistakesFound, structure, unknown_key

EVERY_ORDER: Final = ("*",)


def build_gateway(
    config: Config,
    *,
    found: Sequence[Found] | None = None,
    default_order: Sequence[str] = EVERY_ORDER,
    environ: Mapping[str, str] | None = None,
) -> Gateway:
    """A gateway ready to enter its lifespan. Raises :class:`ConfigError` with everything that is wrong.

    ``found`` is the installed plugins when not given; ``default_order`` holds where the config names no order.
    """
    environ = os.environ if environ is None else environ
    plugins, mistakes, complete = _load_all(config, found, default_order)
    hooks = Hooks(plugins)
    provider_types = _registered(hooks, "llmgate_register_providers", _type_name, config)
    dialects = _registered(hooks, "llmgate_register_dialects", _dialect_name, config)
    providers, wrong = build_providers(config, provider_types, dialects, environ, complete=complete)
    mistakes += wrong
    mistakes += _unknown_targets(plugins, {*providers, *config.providers}, config)
    if mistakes:
        raise ConfigError(mistakes, config.file)
    registry = Registry(
        dialects=dialects,
        provider_types=provider_types,
        providers=providers,
        endpoints=_endpoints(hooks, config),
        aliases=[name for plugin in plugins for name in _told(plugin, "model_names", config)],
        gauges=[gauge for plugin in plugins for gauge in _told(plugin, "gauges", config)],
        plugin_names=[plugin.name for plugin in plugins],
        claims=frozenset(name for plugin in plugins for name in getattr(plugin.instance, "claims", ())),
    )
    return Gateway(config, registry, hooks, plugins)


def load_plugins(config: Config, found: Sequence[Found] | None, default_order: Sequence[str]) -> list[Loaded]:
    """The enabled plugins, outermost first. Raises :class:`ConfigError` with the mistakes of all of them."""
    loaded, mistakes, _ = _load_all(config, found, default_order)
    if mistakes:
        raise ConfigError(mistakes, config.file)
    return loaded


def _load_all(
    config: Config, found: Sequence[Found] | None, default_order: Sequence[str]
) -> tuple[list[Loaded], list[Mistake], bool]:
    """The plugins that could be loaded, what is wrong, and whether all are there that offer providers or dialects."""
    arranged, mistakes = arrange(config, discover() if found is None else found, default_order)
    loaded: list[Loaded] = []
    complete = True
    for one in arranged:
        try:
            loaded.append(load(one, config))
        except MistakesFound as error:
            mistakes += error.mistakes
            complete = complete and not _may_offer(error.about)
    return loaded, mistakes, complete


def _may_offer(cls: Any) -> bool:
    """Whether a plugin that could not be loaded would have offered provider types or dialects."""
    return cls is None or hasattr(cls, "llmgate_register_providers") or hasattr(cls, "llmgate_register_dialects")


def _registered(hooks: Hooks, hook: str, name_of: Callable[[Any], str], config: Config) -> dict[str, Any]:
    """What all plugins registered through one START hook, by name."""
    things: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for implementation in hooks.found[hook]:

        def register(thing: Any, plugin: str = implementation.plugin) -> None:
            name = name_of(thing)
            if name in things:
                raise ValueError(f"{name!r} is registered by plugin {owners[name]!r} already; disable one of the two")
            things[name] = thing
            owners[name] = plugin

        try:
            implementation.call(register=register)
        except Exception as error:
            raise start_failed(implementation.plugin, hook, error, config) from error
    return things


def _type_name(cls: Any) -> str:
    if not (isinstance(cls, type) and issubclass(cls, (HttpProvider, LocalProvider))):
        raise TypeError(f"register() takes a class of HttpProvider or LocalProvider, not {cls!r:.80}")
    if issubclass(cls, HttpProvider) and not cls.dialects:
        raise ValueError(f"the provider type {cls.type!r} speaks no dialect; set its dialects")
    return cls.type


def _dialect_name(dialect: Any) -> str:
    if not isinstance(dialect, Dialect):
        raise TypeError(f"register() takes an instance of a Dialect, not {dialect!r:.80}")
    return dialect.name


def _endpoints(hooks: Hooks, config: Config) -> Mapping[tuple[str, str], Any]:
    router = EndpointRouter()
    for implementation in hooks.found["llmgate_register_routes"]:
        try:
            implementation.call(router=router)
        except Exception as error:
            raise start_failed(implementation.plugin, "llmgate_register_routes", error, config) from error
    return router.routes


def _told(plugin: Loaded, method: str, config: Config) -> Any:
    ask = getattr(plugin.instance, method, None)
    try:
        return () if ask is None else ask()
    except Exception as error:
        raise start_failed(plugin.name, method, error, config) from error


def build_providers(
    config: Config,
    types: Mapping[str, type[Provider]],
    dialects: Mapping[str, Dialect],
    environ: Mapping[str, str],
    *,
    complete: bool = True,
) -> tuple[dict[str, Provider], list[Mistake]]:
    """The configured providers; without a config file those whose usual variable is set; and those that are always on.

    And what is wrong with them. ``complete`` False: plugins are missing, so a type or a dialect may be theirs.
    """
    sections: dict[str, Mapping[str, Any]] = dict(config.providers)
    for name, cls in types.items():
        unconfigured = config.file is None and not config.providers
        if cls.always_on or (unconfigured and cls.usual_env and environ.get(cls.usual_env)):
            sections.setdefault(name, {})
    providers: dict[str, Provider] = {}
    mistakes: list[Mistake] = []
    for name, section in sections.items():
        kind = section.get("type", name)
        if not complete and not (isinstance(kind, str) and kind in types):
            continue
        try:
            providers[name] = _build_provider(name, section, types, environ)
        except MistakesFound as error:
            mistakes += error.mistakes
            continue
        missing = [dialect for dialect in providers[name].dialects if dialect not in dialects]
        mistakes += [
            Mistake(f"providers.{name}", f"speaks {dialect!r}, which no active plugin offers", "install or enable it")
            for dialect in missing
            if complete
        ]
    return providers, mistakes


def _build_provider(
    name: str, section: Mapping[str, Any], types: Mapping[str, type[Provider]], environ: Mapping[str, str]
) -> Provider:
    path = f"providers.{name}"
    if "/" in name or not name:
        raise MistakesFound([Mistake(path, "a provider's name holds no slash", "rename it")])
    kind = section.get("type", name)
    if not isinstance(kind, str) or kind not in types:
        raise MistakesFound([_no_such_type(path, str(kind), list(types))])
    cls = types[kind]
    section = {**_usual_key(cls, section, environ), **section}
    config = structure(section, cls.config_class, path, environ)
    try:
        provider = cls(name, config)
    except Exception as error:
        raise MistakesFound([Mistake(path, str(error) or type(error).__name__)]) from error
    if isinstance(provider, HttpProvider) and provider.own_host and not provider.keys and cls.usual_env:
        cure = f'set {cls.usual_env}, or give keys = [{{ env = "…" }}]'
        raise MistakesFound([Mistake(f"{path}.keys", "there is no key", cure)])
    return provider


def _usual_key(cls: type[Provider], section: Mapping[str, Any], environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The vendor's customary variable, used only towards the vendor's own host."""
    if not issubclass(cls, HttpProvider) or "keys" in section or "base_url" in section:
        return {}
    return {"keys": [{"env": cls.usual_env}]} if cls.usual_env and environ.get(cls.usual_env) else {}


def _no_such_type(path: str, kind: str, types: list[str]) -> Mistake:
    mistake = unknown_key(f"{path}.type", kind, types)
    hint = mistake.hint if types else "no active plugin offers provider types"
    return Mistake(path, f"there is no provider type {kind!r}", hint)


def _unknown_targets(plugins: Sequence[Loaded], providers: Collection[str], config: Config) -> list[Mistake]:
    """Targets in plugins' configs that name no provider."""
    mistakes = []
    for plugin in plugins:
        told: Mapping[str, Sequence[str]] = _told(plugin, "targets_of", config) or {}
        for path, targets in told.items():
            for target in targets:
                name = target.partition("/")[0]
                if name not in providers:
                    hint = unknown_key(path, name, list(providers)).hint
                    mistakes.append(Mistake(path, f"{target!r} names no configured provider", hint))
    return mistakes
