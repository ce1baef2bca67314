"""Every option of the configuration: type and default out of the classes, meaning out of the READMEs of the plugins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from llmgate_cli.options import describe
from llmgate_cli.starter import starter
from llmgate_core.config import GatewayConfig
from llmgate_core.plugins import Loaded
from llmgate_core.provider import HttpProviderConfig, LocalProvider, Provider, ProviderConfig

from .installed import folder, gateway
from .markdown import code, generated, prose, table

HEAD: Final = ("option", "type", "default", "meaning")
COMMON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ProviderConfig.type": "the provider type; without it the name of the table",
        "ProviderConfig.models": "the models to list, and bare names that lead here; without it what the type knows",
        "HttpProviderConfig.base_url": "what it means in the vendor's official SDK; without it the vendor's own",
        "HttpProviderConfig.keys": "the credentials, see below",
        "HttpProviderConfig.headers": "further headers of every request",
        "HttpProviderConfig.timeouts": "see below",
        "KeyConfig.value | env | file": "one of the three; or the whole key is just a string",
        "KeyConfig.name": "what logs and metrics show; without it a short hash",
        "KeyConfig.weight": "its share among the keys that may be used",
        "KeyConfig.models": "shell patterns of the models it may be used for; empty: all",
        "Timeouts.connect": "seconds until there is a connection",
        "Timeouts.first_byte": "seconds until the first content",
        "Timeouts.idle": "seconds between two pieces of an answer",
    }
)
LEAD: Final = """
One TOML file with the tables `[gateway]`, `[providers.<name>]` and `[plugins.<name>]`. It is found by `-c FILE`,
then by `$LLMGATE_CONFIG`, then as `llmgate.toml` in the current folder; none is fine too. Nothing is coerced
(`"8080"` is no port), and a key that is not known is a mistake with a "did you mean". `llmgate config check` finds
mistakes without serving, `llmgate config show` prints what is in force, `llmgate config init` writes a commented
file to start from. [How to configure](../how-to/configure.md) has examples.

A **secret** is a string, `{ env = "NAME" }` or `{ file = "path" }`. Times are seconds, sizes are bytes.
"""


def page() -> str:
    """The reference page."""
    parts = [generated("Configuration", LEAD), _gateway(), _providers()]
    built = gateway()
    parts += [_provider_type(cls, built.plugins) for cls in built.registry.provider_types.values()]
    parts += [_plugin(plugin) for plugin in sorted(built.plugins, key=lambda one: one.name)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _gateway() -> str:
    meanings = {
        **_of_starter(starter({})),
        "plugins": 'the order, outermost first; `"*"` is every other installed plugin',
    }
    return f"## `[gateway]`\n\n{_table(describe(GatewayConfig)[0], meanings)}"


def _of_starter(text: str) -> dict[str, str]:
    """What the file of ``config init`` says of each option: behind it, or in the line before."""
    found = dict(re.findall(r"^# (\w+) = .+?  +# (.+)$", text, re.MULTILINE))
    return {**{name: told for told, name in re.findall(r"^# (.+):\n# (\w+) = ", text, re.MULTILINE)}, **found}


def _providers() -> str:
    told = [
        "## `[providers.<name>]`",
        "The name is what stands before the slash in `provider/model`. Providers of every type have:",
        _table(describe(ProviderConfig)[0], _common("ProviderConfig")),
        "Those that are reached over HTTP also have:",
    ]
    for cls in describe(HttpProviderConfig):
        name = cls["name"]
        if name == "HttpProviderConfig":
            own = [option for option in cls["options"] if f"{name}.{option['name']}" in COMMON]
            told.append(_table({**cls, "options": own}, _common(name)))
        else:
            for option in cls["options"]:
                option["name"] = "value | env | file" if option["name"] == "secret" else option["name"]
            told += [f"### {'A key' if name == 'KeyConfig' else name}", prose(cls["doc"]), _table(cls, _common(name))]
    return "\n\n".join(told)


def _common(cls: str) -> dict[str, str]:
    return {name.partition(".")[2]: told for name, told in COMMON.items() if name.startswith(f"{cls}.")}


def _provider_type(cls: type[Provider], plugins: tuple[Loaded, ...]) -> str:
    """What one type has besides what all have."""
    (owner,) = [plugin for plugin in plugins if cls.__module__.startswith(f"llmgate_{plugin.name}")]
    known = {field.name for base in (ProviderConfig, HttpProviderConfig) for field in attrs.fields(base)}
    options = [option for option in describe(cls.config_class)[0]["options"] if option["name"] not in known]
    facts = [f"Comes with the plugin `{owner.name}`."]
    if issubclass(cls, LocalProvider):
        facts.append("It answers in process.")
    else:
        facts.append(f"It speaks {', '.join(f'`{name}`' for name in cls.dialects)}.")
    if cls.usual_env:
        facts.append(f"It is on without any config file when `{cls.usual_env}` is set.")
    if cls.always_on:
        facts.append("It is always on.")
    shown = [f'### `type = "{cls.type}"`', " ".join(facts)]
    if options:
        shown.append(_table({"options": options}, _of_readme(owner.name)))
    return "\n\n".join(shown)


def _plugin(plugin: Loaded) -> str:
    config_class: type[Any] | None = getattr(type(plugin.instance), "config_class", None)
    if config_class is None:
        return ""
    meanings = _of_readme(plugin.name)
    first, *rest = describe(config_class)
    readme = f"../../{folder(plugin.name).parent.name}/{plugin.name}/README.md"
    shown = [f"## `[plugins.{plugin.name}]`", f"{_about(plugin)} [More]({readme})"]
    shown.append(_table(first, meanings))
    for cls in rest:
        shown += [f"### {cls['name']}", prose(cls["doc"]), _table(cls, meanings)]
    return "\n\n".join(shown)


def _about(plugin: Loaded) -> str:
    """What its metadata says."""
    project = tomllib.loads((folder(plugin.name) / "pyproject.toml").read_text("utf-8"))["project"]
    return f"{project['description']}."


def _of_readme(plugin: str) -> dict[str, str]:
    """Option to meaning, out of the tables of a plugin's README; ``models.<alias>.targets`` is ``targets``."""
    found = {}
    for line in (folder(plugin) / "README.md").read_text("utf-8").splitlines():
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) >= 3 and cells[0].startswith("`") and not cells[0].startswith("`["):
            for name in re.findall(r"`([^`]+)`", cells[0]):
                found[re.sub(r"\.<[^>]+>$", "", name).rpartition(".")[2]] = cells[-1]
    return found


def _table(cls: Mapping[str, Any], meanings: Mapping[str, str]) -> str:
    rows = []
    for option in cls["options"]:
        default = "required" if option["default"] is None else option["default"]
        shown = default if default in {"required", "none"} else code(default)
        rows.append((code(option["name"]), code(_type(option["type"])), shown, meanings.get(option["name"], "")))
    return table(HEAD, rows)


def _type(told: str) -> str:
    """A type as TOML people read it: literals as what is written."""
    told = re.sub(r"Union\[(.*)\]$", lambda found: found[1].replace("], ", "] | "), told)
    return re.sub(r"Literal\[(.*?)\]", lambda found: " | ".join(found[1].replace("'", '"').split(", ")), told)
