"""``[plugins.auth]``: the client keys and where they are looked for."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final, Literal

from attrs import define, field

from llmgate_core import Secret

USUAL_HEADERS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
SHORTEST: Final = 16
"""Characters a key needs before it may guard an address that others can reach."""
SAMPLES: Final = frozenset(
    {
        *("1234", "12345", "123456", "12345678", "123456789", "1234567890", "none", "null", "default", "token"),
        *("changeme", "change-me", "change_me", "changethis", "replace-me", "secret", "password", "admin", "master"),
        *(
            "test",
            "testing",
            "example",
            "dummy",
            "fake",
            "local",
            "proxy",
            "demo",
            "key",
            "apikey",
            "api-key",
            "api_key",
        ),
        *("my-key", "my-api-key", "my-secret-key", "master-key", "your-key", "your-api-key", "your_api_key"),
        *("your-key-here", "your-api-key-here", "your_api_key_here", "your-secret-key", "your-master-key"),
    }
)
"""Keys out of manuals; the same behind ``sk-``."""
_SAMPLE_DIGESTS: Final = frozenset(
    hashlib.sha256((prefix + word).encode()).hexdigest() for word in SAMPLES for prefix in ("", "sk-")
)
_MAKE_ONE: Final = "python3 -c \"import secrets; print('sk-' + secrets.token_urlsafe(32))\""


@define
class ClientKey:
    """One key: ``key`` (a string, ``{ env = … }`` or ``{ file = … }``) or its ``sha256`` in hex.

    ``name`` is the caller's name in logs and metrics; two keys may share it while one replaces the other. ``models`` are
    shell patterns of the model names, as the client writes them, that the key may ask for (empty: all).
    """

    name: str
    key: Secret | None = None
    sha256: str | None = None
    models: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        if not (self.name.isprintable() and 1 <= len(self.name) <= 64):
            raise ValueError("name must be 1 to 64 printable characters")
        if (self.key is None) == (self.sha256 is None):
            raise ValueError(f'the key {self.name!r} needs exactly one of "key" and "sha256"')
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", self.sha256):
            raise ValueError(f"the sha256 of the key {self.name!r} must be 64 hex digits: printf %s KEY | sha256sum")
        if self.key is not None and not re.fullmatch(r"[!-+\--~]+", self.key.reveal()):
            raise ValueError(f"the key {self.name!r} holds a comma, a space or another character no header may carry")
        if self._is_sample():
            raise ValueError(f"the key {self.name!r} is one that anybody would try; make one: {_MAKE_ONE}")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the key."""
        return bytes.fromhex(self.sha256) if self.key is None and self.sha256 else self.key.digest if self.key else b""

    @property
    def short(self) -> bool:
        """Whether the key could be guessed by trying."""
        return self.key is not None and len(self.key.reveal()) < SHORTEST

    def _is_sample(self) -> bool:
        if self.key is None:
            return (self.sha256 or "").lower() in _SAMPLE_DIGESTS
        value = self.key.reveal().lower().removeprefix("sk-")
        return value in SAMPLES or len(set(value)) <= 2  # sk-xxxxxxxx


def _header_names(_: Any, attribute: Any, value: list[str]) -> None:
    if not value or any(not re.fullmatch(r"[A-Za-z0-9-]+", name) for name in value):
        raise ValueError(f"{attribute.name} must be a list of header names, such as {list(USUAL_HEADERS)}")


@define
class AuthConfig:
    """``[plugins.auth]``.

    ``enabled = "auto"`` asks for a key when there are keys, or when the gateway binds an address that others can reach.
    """

    enabled: Literal["auto"] | bool = "auto"
    keys: list[ClientKey] = field(factory=list)
    headers: list[str] = field(factory=lambda: list(USUAL_HEADERS), validator=_header_names)
    allow_public_without_auth: bool = False

    def __attrs_post_init__(self) -> None:
        if self.enabled is True and not self.keys:
            raise ValueError("enabled = true needs keys: nobody could use the gateway; add [[plugins.auth.keys]]")
        names: dict[bytes, str] = {}
        for key in self.keys:
            if key.digest in names:
                raise ValueError(f"the keys {names[key.digest]!r} and {key.name!r} are the same; remove one")
            names[key.digest] = key.name
