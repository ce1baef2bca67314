"""What the writers of one request share: whose names the extras are, what gets lost, how tools are renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Losses
from llmgate_core.messages import Extra
from llmgate_core.renames import Renames

from .fields import merge
from .words import NAME

LONGEST_ID: Final = 40  # of a tool call; the API refuses longer ones
LONGEST_USER: Final = 64


class Carry:
    """``own``: the request came in this very dialect, so every extra goes back to where it stood.

    From another dialect, extras are reported as losses, but for what steers nothing any more: ``cache_control`` (a hint;
    prompts are cached here without being asked) and whatever hangs on an assistant's earlier words (a record).
    """

    __slots__ = ("losses", "own", "renames")

    def __init__(self, dialect: str, losses: Losses) -> None:
        self.own = dialect == NAME
        self.losses = losses
        self.renames = Renames("A-Za-z0-9_-", 64)

    def complete(
        self, target: dict[str, Any], path: str, extra: Mapping[str, Any] = EMPTY, cache_control: Extra | None = None
    ) -> dict[str, Any]:
        """``target`` with the extras of the value it was written from."""
        if self.own:
            if cache_control is not None:
                target["cache_control"] = cache_control
            return merge(target, extra) if extra else target
        for name in extra:
            self.losses.add(f"{path}.{name}" if path else name, f"{NAME} has no such field")
        return target

    def record(self, target: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The same for what an assistant said before: foreign extras are dropped."""
        return merge(target, extra) if self.own and extra else target

    def tool_name(self, name: str) -> str:
        """A tool's name as the provider may see it."""
        return name if self.own else self.renames.to_wire(name)

    def call_id(self, call_id: str) -> str:
        """A tool call's id as the provider may see it: the same in the call and in its result."""
        return call_id if self.own or len(call_id) <= LONGEST_ID else f"call_{_digest(call_id)[:32]}"

    def user(self, user: str) -> str:
        """The end user's id. One that is too long becomes its hash: cut short, two users could be one."""
        return user if self.own or len(user) <= LONGEST_USER else _digest(user)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
