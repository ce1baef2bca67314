"""The errors, out of the two trees of classes, the rule for a provider's statuses, and every place that raises one by code."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, get_args

import msgspec

from llmgate_core import ProviderError
from llmgate_core.errors import ErrorKind, GatewayError
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import UpstreamError, UpstreamRejected

from .installed import ROOT, gateway, standard
from .markdown import code, generated, prose, table

STATUSES: Final = (400, 401, 402, 403, 404, 407, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
LEAD: Final = """
Every error is answered in the client's own dialect, with a request id. **status** is the HTTP status, **kind** the
canonical word that a dialect maps to its own error type, **code** is what programs test for. Texts say what, where and
what to do; they never hold a key or a prompt. `retry-after` is there when a time is known, and on every 503.
`x-should-retry: false` says that the gateway has used its tries; the official SDKs obey it.
"""
SEEN: Final = """
## A provider's status, and what the client sees

What is the client's own fault keeps its status. What is the gateway's to mend, or the provider's trouble, becomes a
5xx: an application must never believe that its own key was refused. `upstream_…` with a number stands where the
provider told no code of its own. A 404 stays a 404 when only the client named the model, and is a 502
`upstream_misconfigured` when the config names it ([decision 9](../decisions/0009-a-providers-404.md)).
"""


def page() -> str:
    """The reference page."""
    own = [cls for cls in _tree(GatewayError) if not issubclass(cls, UpstreamError)]
    upstream = list(_tree(UpstreamError))
    parts = [
        generated("Errors", LEAD),
        "## The gateway's own\n\n" + table(("class", "status", "kind", "code", "when"), [_row(cls) for cls in own[1:]]),
        "## From providers, and the way to them\n\n"
        "The attempt class says what may be done next, see [failure](../explanation/failure.md).\n\n"
        + table(("class", "status", "kind", "code", "attempt class", "when"), [_upstream_row(cls) for cls in upstream]),
        _seen_as(),
        _types(),
        _codes(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _tree(cls: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield cls
    for inner in cls.__subclasses__():
        if inner.__module__.startswith("llmgate_core."):
            yield from _tree(inner)


def _row(cls: type[GatewayError]) -> tuple[str, ...]:
    return (code(cls.__name__), str(cls.status), cls.kind, code(cls.code or ""), _first(cls))


def _upstream_row(cls: type[GatewayError]) -> tuple[str, ...]:
    name, status, kind, its_code, when = _row(cls)
    if issubclass(cls, UpstreamRejected):
        status, kind, its_code = "see below", "see below", "the provider's"
    attempt = cls.attempt_class.name if issubclass(cls, UpstreamError) else ""
    return (name, status, kind, its_code, attempt, when)


def _first(cls: type) -> str:
    return prose((inspect.getdoc(cls) or "").partition("\n\n")[0])


def _seen_as() -> str:
    """How a provider's status is seen by the client."""
    rows = []
    for status in STATUSES:
        if status == 404:
            rows.append(("404", "404 or 502", "not_found or upstream", "see above", ""))
            continue
        seen = reject(status, ProviderError("told"), provider="p")
        own = "" if seen.message == "told" else "withheld: it may quote a credential"
        rows.append((str(status), str(seen.status), seen.kind, code(str(seen.code)), own))
    return f"{SEEN}\n" + table(("provider", "client", "kind", "code", "provider's text"), rows)


def _types() -> str:
    """Which type each dialect gives to each kind."""
    dialects = gateway().registry.dialects
    rows = []
    for kind in get_args(ErrorKind):
        cells = [
            msgspec.json.decode(one.write_error(_of_kind(kind), "req_1"))["error"]["type"] for one in dialects.values()
        ]
        rows.append((kind, *map(code, cells)))
    return "## Error types by dialect\n\n" + table(("kind", *map(code, dialects)), rows)


@cache
def _of_kind(kind: ErrorKind) -> GatewayError:
    statuses = {cls.kind: cls.status for cls in reversed(list(_tree(GatewayError)))}
    return GatewayError("told", kind=kind, status=statuses[kind])


def _codes() -> str:
    """Codes that single places give, besides those of the classes."""
    found: dict[tuple[str, str], set[str]] = {}
    for distribution, file in _sources():
        for its_code, cls in _raised(file):
            found.setdefault((its_code, cls), set()).add(distribution)
    classes = {cls.__name__: cls for cls in _tree(GatewayError)}
    rows = [
        (code(its_code), str(classes[cls].status), code(cls), ", ".join(sorted(where)))
        for (its_code, cls), where in sorted(found.items())
        if its_code != classes[cls].code
    ]
    told = "## Codes that say more than their class\n\n"
    return told + table(("code", "status", "class", "raised by"), rows)


def _sources() -> Iterator[tuple[str, Path]]:
    words = ["core", *(one.name for one in standard())]
    for word in sorted(words):
        for file in sorted(ROOT.glob(f"{word}/src/**/*.py")) + sorted(ROOT.glob(f"*/{word}/src/**/*.py")):
            if "testing" not in file.parts:
                yield word, file


def _raised(file: Path) -> Iterator[tuple[str, str]]:
    names = {cls.__name__ for cls in _tree(GatewayError)}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and keyword.value.value:
                    yield str(keyword.value.value), node.func.id
