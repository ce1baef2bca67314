"""The hooks, out of hookspecs: the table of the README and the page of the reference."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Final

from attrs import frozen

from llmgate_core.chains import in_running_order
from llmgate_core.hooks import Hooks
from llmgate_core.hookspecs import HOOK_API, HookKind, HookSpecs, kinds

from .installed import gateway
from .markdown import generated, prose, table

LABELS: Final = ("When", "Returns", "Default", "Raises", "Since")
FAILS_CLOSED: Final = {"CHAIN", "FIRST"}


@frozen
class Hook:
    """One hook. ``told`` is its docstring by label; ``scope`` is what it runs once for."""

    name: str
    scope: str
    arguments: tuple[str, ...]
    signature: str
    kind: HookKind
    purpose: str
    told: dict[str, str]

    @property
    def call(self) -> str:
        """``llmgate_on_error(exchange, error)``."""
        return f"{self.name}({', '.join(self.arguments)})"


@cache
def hooks() -> tuple[Hook, ...]:
    """All of them, in the order of life."""
    return tuple(_hook(name, kind) for name, kind in kinds().items())


def _scope(kind: HookKind, when: str) -> str:
    if kind.kind in {"START", "STACK"}:
        return "start"
    if "event" in when:
        return "stream"
    return "request" if "per request" in when else "attempt"


def _hook(name: str, kind: HookKind) -> Hook:
    spec = getattr(HookSpecs, name)
    signature = inspect.signature(spec)
    doc = inspect.getdoc(spec) or ""
    purpose, _, rest = doc.partition("\n\n")
    pieces = re.split(rf"\b({'|'.join(LABELS)}): ", prose(rest))
    told = {label: text.strip() for label, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    shown = f"{name}{signature}".replace("'", "")
    return Hook(name, _scope(kind, told["When"]), tuple(signature.parameters)[1:], shown, kind, prose(purpose), told)


def table_cell(hook: Hook) -> str:
    """What a hook may return, in a table's cell."""
    words = {"tuple": "a tuple of `Target`s", "event": "an event"}
    given = [words.get(word, f"`{word}`") for word in hook.kind.may_return]
    if hook.kind.kind == "STACK":
        return "an async context manager"
    return " · ".join(["`None`", *given]) if given else "–"


def full_table() -> str:
    """The table of the README."""
    rows = [(f"`{hook.call}`", hook.scope, hook.kind.kind, hook.purpose, table_cell(hook)) for hook in hooks()]
    return table(("hook", "scope", "kind", "what for", "may return"), rows)


def users() -> dict[str, tuple[str, ...]]:
    """The standard plugins that implement each hook, in running order."""
    found: Hooks = gateway().hooks
    return {
        name: tuple(one.plugin for one in in_running_order(found.found[name], kind)) for name, kind in kinds().items()
    }


def page() -> str:
    """The reference page."""
    lead = f"""
Every method of a plugin that is named like one of these is an implementation of it. A method may be `def` or `async
def` (those of the kind START only `def`), and may leave out arguments it does not need. The version of this
contract is `HOOK_API` = {HOOK_API}.

- **START** hooks run once, while the gateway is built, before there is an event loop.
- **STACK**: an async context manager, entered in order and left in reverse order.
- **CHAIN**: run in order; each sees what its predecessor made of the value. An exception ends the request (500,
  `plugin_error`).
- **FIRST**: the first answer that is not `None` wins. An exception ends the request.
- **OBSERVE**: every one runs. What one raises goes to the log and a counter; the request goes on.

A `def` may run without an asyncio task around it (`asyncio.current_task()` is None): what needs one, such as
`asyncio.timeout`, belongs in an `async def`.

A plugin refuses a request on purpose by raising one of the [errors](errors.md). Hooks marked *way back* run in
reverse order: the plugin that is listed first sees a request first and its answer last. `llmgate hooks` shows the
order of your own gateway.
"""
    used = users()
    parts = [generated("Hooks", lead), short_table()]
    parts += [_section(hook, used[hook.name]) for hook in hooks()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def short_table() -> str:
    """The hooks with links to their sections."""
    rows = [(f"[`{hook.name}`](#{hook.name})", hook.scope, hook.kind.kind) for hook in hooks()]
    return table(("hook", "scope", "kind"), rows)


def _section(hook: Hook, used: tuple[str, ...]) -> str:
    kind = hook.kind
    how: list[str] = [kind.kind]
    if kind.threads:
        how.append(f"`{kind.threads}` is handed on from one to the next")
    if kind.way_back:
        how.append("way back")
    rows = [("kind", "; ".join(how)), ("scope", hook.scope)]
    rows += [(label.lower(), hook.told[label]) for label in LABELS if label in hook.told]
    rows.append(("standard plugins", " → ".join(used) or "none yet"))
    signature = hook.signature
    if len(signature) > 100:
        signature = re.sub(r"\((self, .*)\) -> (.*)$", r"(\n    \1\n) -> \2", signature)
    facts = "\n".join(f"- **{label}**: {told.rstrip('.')}" for label, told in rows)
    return f"## {hook.name}\n\n{hook.purpose}\n\n```text\n{signature}\n```\n\n{facts}"
