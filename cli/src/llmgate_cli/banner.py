"""What ``llmgate serve`` says once it listens: where, who is on and who is not, and one curl to paste."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from llmgate_core import Dialect, Provider
    from llmgate_core.gateway import Gateway

KEY: Final = "LLMGATE_KEY"


def banner(gateway: Gateway, host: str, port: int, workers: int = 1) -> str:
    """The whole text. ``host`` and ``port`` are where the socket really is."""
    from importlib.metadata import version

    url = url_of(host, port)
    shared = f" with {workers} workers" if workers > 1 else ""
    config = gateway.config
    lines = [
        f"llmgate {version('llmgate-cli')} listening on {url}{shared}",
        f"  config     {config.file or 'none (llmgate config init writes one)'}",
        f"  providers  {', '.join(gateway.registry.providers) or 'none'}",
        *(f"             {hint}" for hint in provider_hints(gateway)),
        f"  plugins    {', '.join(gateway.registry.plugin_names) or 'none'}",
    ]
    curl = curl_line(gateway, url)
    if curl:
        told = f", with {KEY} set to a client's key" if asks_for_keys(gateway) else ""
        lines += [f"  try it{told}:", f"  {curl}"]
    return "\n".join(lines)


def asks_for_keys(gateway: Gateway) -> bool:
    """Whether the shipped plugin that asks clients for keys has some."""
    return "auth" in gateway.registry.plugin_names and bool(gateway.config.plugins.get("auth", {}).get("keys"))


def url_of(host: str, port: int) -> str:
    """A URL at which this machine reaches the address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared with, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def provider_hints(gateway: Gateway) -> Iterator[str]:
    """How to switch on each provider type that no provider is of."""
    used = {provider.type for provider in gateway.registry.providers.values()}
    for name, cls in gateway.registry.provider_types.items():
        if name in used or not cls.usual_env:
            continue
        if gateway.config.file is None:
            yield f"{name} is off: set {cls.usual_env}"
        else:
            yield f"{name} is off: add [providers.{name}] to {gateway.config.file}, with {cls.usual_env} set or keys = [...]"


def curl_line(gateway: Gateway, url: str) -> str | None:
    """A request that this very gateway answers, in the dialect that makes it shortest; None when it serves no model."""
    choice = _model(gateway)
    if choice is None:
        return None
    provider, model = choice
    offered = gateway.registry.dialects
    dialects = [offered[name] for name in provider.dialects if name in offered] or list(offered.values())
    lines = [line for dialect in dialects if (line := _curl(gateway, dialect, f"{provider.name}/{model}", url))]
    return min(lines, key=len) if lines else None


def _model(gateway: Gateway) -> tuple[Provider, str] | None:
    """The first provider that was switched on on purpose, else one that is always there; and its first model."""
    providers = sorted(gateway.registry.providers.values(), key=lambda provider: provider.always_on)
    return next(((provider, provider.models[0]) for provider in providers if provider.models), None)


def _curl(gateway: Gateway, dialect: Dialect, model: str, url: str) -> str | None:
    from llmgate_core.dialect import Losses
    from llmgate_core.messages import ChatRequest, Message, Text

    path = next(
        (r.path for r in dialect.routes if r.operation == "chat" and r.method == "POST" and "{" not in r.path), ""
    )
    if not path:
        return None
    chat = ChatRequest(model=model, messages=(Message("user", (Text("Hello!"),)),))
    wire = dialect.write_request(chat, model, Losses())
    headers = {"content-type": "application/json", **wire.headers}
    if asks_for_keys(gateway):
        headers["authorization"] = f"Bearer ${KEY}"
    shown = " ".join(f'-H "{name}: {value}"' for name, value in headers.items())
    body = json.dumps(json.loads(wire.body), ensure_ascii=False, separators=(",", ":"))
    return f"curl {url}{path} {shown} -d {shlex.quote(body)}"
