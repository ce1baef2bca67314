"""Which dialect, or which endpoint, a path belongs to: resolved at start, looked up by the raw path.

The path is matched as it was sent, once, for everything: no second form of it exists that authorisation could see and
dispatch could not. What is not exactly a known path is 404.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from attrs import frozen

from .decisions import EMPTY
from .dialect import Dialect
from .endpoints import EndpointHandler
from .errors import GatewayError, InvalidRequest, MethodNotAllowed, NotFound
from .exchange import Head
from .registry import Registry
from .wirevalues import Route

_PLACE: Final = re.compile(r"\{(\w+)(:path)?\}")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%0|%1|%7[fF]")


@frozen
class Match:
    """What serves a request: a dialect's route, or an endpoint's handler."""

    params: Mapping[str, str] = EMPTY
    dialect: Dialect | None = None
    route: Route | None = None
    endpoint: EndpointHandler | None = None


class Routes:
    """The route table of one gateway."""

    def __init__(self, registry: Registry) -> None:
        self._dialects = tuple(registry.dialects.values())
        self._exact: dict[tuple[str, str], list[Match]] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Match]] = []
        for (method, path), handler in registry.endpoints.items():
            self._add(method, path, Match(endpoint=handler))
        for dialect in self._dialects:
            for route in dialect.routes:
                match = Match(dialect=dialect, route=route)
                self._add(route.method, route.path, match)
                self._add(route.method, dialect.prefix + route.path, match)

    def _add(self, method: str, path: str, match: Match) -> None:
        if "{" not in path:
            self._exact.setdefault((method, path), []).append(match)
            return
        pieces = _PLACE.split(path)
        regex = re.escape(pieces[0])
        for name, whole, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            regex += f"(?P<{name}>{'.+' if whole else '[^/]+'})" + re.escape(rest)
        self._patterns.append((method, re.compile(regex), match))

    def lean(self, path: str) -> Match | None:
        """The only dialect's route for POST at exactly this path; None when there is a choice, or anything to explain."""
        found = self._exact.get(("POST", path))
        return found[0] if found is not None and len(found) == 1 and found[0].dialect is not None else None

    def find(self, head: Head) -> Match:
        """The match for a request. Raises :class:`NotFound`, :class:`MethodNotAllowed`, :class:`InvalidRequest`."""
        found = self._exact.get((head.method, head.path))
        if found is not None:
            return found[0] if len(found) == 1 else self._of_several(found, head)
        if _BAD_PERCENT.search(head.path):
            raise InvalidRequest("the path has a percent-encoding that no route can mean", code="invalid_path")
        fitting = []
        for method, regex, match in self._patterns:
            if method == head.method and (hit := regex.fullmatch(head.path)):
                params = {name: _decoded(value) for name, value in hit.groupdict().items()}
                fitting.append(Match(params, match.dialect, match.route, match.endpoint))
        if fitting:
            return self._of_several(fitting, head)
        raise self._nothing(head)

    def _of_several(self, found: list[Match], head: Head) -> Match:
        """Paths that several dialects serve go to the one that recognises the request, else to the first that cannot tell."""
        for match in found:
            if match.dialect is not None and match.dialect.recognises(head.headers):
                return match
        return next((match for match in found if not _can_tell(match.dialect)), found[0])

    def _nothing(self, head: Head) -> GatewayError:
        allowed = {method for method, path in self._exact if path == head.path}
        allowed |= {method for method, regex, _ in self._patterns if regex.fullmatch(head.path)}
        if allowed:
            allow = ", ".join(sorted(allowed))
            return MethodNotAllowed(
                f"{head.method[:20]} is not served at this path; use {allow}", headers={"allow": allow}
            )
        return NotFound(
            f"nothing is served at {head.path[:100]!r}; see the README for the paths of each dialect",
            code="unknown_route",
        )

    def likely_dialect(self, head: Head) -> Dialect | None:
        """Whose error format to use where no route was found: by prefix, then by headers."""
        for dialect in self._dialects:
            if head.path.startswith(dialect.prefix + "/"):
                return dialect
        for dialect in self._dialects:
            if dialect.recognises(head.headers):
                return dialect
        unsure = (dialect for dialect in self._dialects if not _can_tell(dialect))
        return next(unsure, self._dialects[0] if self._dialects else None)


def _can_tell(dialect: Dialect | None) -> bool:
    """Whether a dialect knows its own requests by their headers: what it did not recognise is then another's."""
    return dialect is not None and type(dialect).recognises is not Dialect.recognises


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise InvalidRequest("the path has a percent-encoding that is not UTF-8", code="invalid_path") from None
