"""The key in a client's headers: one, or none, or a mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from llmgate_core.errors import AuthenticationFailed, InvalidRequest

CHALLENGE: Final = "Bearer"
_WITH_SCHEME: Final = frozenset({"authorization", "proxy-authorization"})


class CredentialReader:
    """Finds the key in the headers of these names; ``authorization`` carries it behind ``Bearer``."""

    def __init__(self, headers: Iterable[str]) -> None:
        self._headers = tuple(dict.fromkeys(name.lower() for name in headers))
        ways = [f"{name}: Bearer <key>" if name in _WITH_SCHEME else f"{name}: <key>" for name in self._headers]
        self._told = " or ".join(f"'{way}'" for way in ways)

    def read(self, headers: Mapping[str, str]) -> str:
        """The one key. Raises :class:`AuthenticationFailed` without one, :class:`InvalidRequest` for two that differ."""
        found: str | None = None
        for name in self._headers:
            value = headers.get(name)
            if not value:
                continue
            if "," in value:  # repeated headers arrive joined, and no key holds a comma
                raise InvalidRequest(
                    f"the header {name!r} was sent more than once; send one API key", code="ambiguous_credentials"
                )
            key = _behind_scheme(value, self._told) if name in _WITH_SCHEME else value
            if found is not None and found != key:
                raise InvalidRequest(
                    f"the request carries two different API keys, one of them in {name!r}; send one",
                    code="ambiguous_credentials",
                )
            found = key
        if found is None:
            raise refused(f"no API key was given; send it as {self._told}", "missing_api_key")
        return found


def _behind_scheme(value: str, told: str) -> str:
    scheme, _, key = value.partition(" ")
    if scheme.lower() != "bearer" or not key or " " in key:
        raise refused(f"the authorization is not 'Bearer <key>'; send the API key as {told}", "invalid_api_key")
    return key


def refused(message: str, code: str) -> AuthenticationFailed:
    """A 401 that says how to authenticate. The message never holds any part of a key."""
    return AuthenticationFailed(message, code=code, headers={"www-authenticate": CHALLENGE})


def digest_of(key: str) -> bytes:
    """SHA-256 of any string a header can hold, lone surrogates (bytes that are no UTF-8) included."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
