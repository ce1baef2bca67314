"""The part of the dialect contract about what cannot be carried over: said, or done, but never passed over."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import pytest

from llmgate_core.dialect import Dialect
from llmgate_core.errors import InvalidRequest, UnsupportedField
from llmgate_core.testing.canonical import features, plain_chat

from .base import DialectSamples, write


class LossContract(DialectSamples):
    """``quiet`` names features (of ``canonical.features``) that this dialect may leave out without a word: say why."""

    quiet: ClassVar[Collection[str]] = ()

    @pytest.mark.parametrize("feature", features())
    def test_nothing_is_lost_in_silence(self, dialect: Dialect, feature: str) -> None:
        """What a request of another dialect says changes what is sent, or is refused, or stands in the losses."""
        if self._is_told(dialect, feature):
            assert feature not in self.quiet, f"{feature!r} is carried or told: take it out of 'quiet'"
        else:
            assert feature in self.quiet, f"{feature!r} is dropped, and nobody is told"

    def test_losses_are_refused_by_name(self, dialect: Dialect) -> None:
        """What is in the losses makes a 400 that names it."""
        for name, change in features().items():
            try:
                _, losses = write(dialect, change(plain_chat()))
            except InvalidRequest:
                continue
            if losses.fields:
                with pytest.raises(UnsupportedField) as caught:
                    losses.refuse()
                assert caught.value.param == losses.fields[0], name
                assert all(field in caught.value.message for field in losses.fields)

    def test_plain_chat_of_another_dialect_is_carried(self, dialect: Dialect) -> None:
        """Messages, a tool call with its result, and tools arrive, and nothing is lost."""
        chat = plain_chat()
        wire, losses = write(dialect, chat)
        assert losses.fields == ()
        again = self.request_of(dialect, wire.body, stream=False).canonical
        blocks = [block for message in again.messages for block in message.content]
        told = [(type(block).__name__, getattr(block, "text", ""), getattr(block, "arguments", "")) for block in blocks]
        assert [one for one in told if one[0] in {"Text", "ToolCall"}] == [
            ("Text", "What is the weather in Turin?", ""),
            ("ToolCall", "", '{"city":"Turin"}'),
            ("Text", "And in Milan?", ""),
        ]
        assert [(tool.name, tool.parameters) for tool in again.tools] == [(t.name, t.parameters) for t in chat.tools]

    def _is_told(self, dialect: Dialect, feature: str) -> bool:
        plain, _ = write(dialect, plain_chat())
        try:
            wire, losses = write(dialect, features()[feature](plain_chat()))
        except InvalidRequest:
            return True
        return bool(losses) or (wire.body, wire.headers) != (plain.body, plain.headers)
