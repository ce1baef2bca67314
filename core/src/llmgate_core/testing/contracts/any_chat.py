"""The part of the dialect contract about conversations that nobody thought of: generated, and translated."""

from __future__ import annotations

import json

from hypothesis import given, settings

from llmgate_core.assembly import events_of
from llmgate_core.dialect import Dialect
from llmgate_core.errors import InvalidRequest
from llmgate_core.messages import ChatRequest, ChatResponse, ToolCall
from llmgate_core.testing.event_rules import check_events
from llmgate_core.testing.strategies import answers, chats

from .answers import gist
from .base import DialectSamples, assemble, read_events, split, write, written


def _with_words_put_in(said: str, text: str) -> bool:
    """Whether ``text`` is ``said`` with something put in at one place, or nothing."""
    more = len(text) - len(said)
    return more >= 0 and any(said[:at] + text[at : at + more] + said[at:] == text for at in range(len(said) + 1))


class AnyChatContract(DialectSamples):
    """Properties that hold for every conversation and every answer."""

    def test_any_chat_is_carried(self, dialect: Dialect) -> None:
        """All that was said and offered is in the request to the provider, or the chat is refused by name.

        And what was written once is written for good: read as a client's request and written again it is the same.
        """

        @settings(max_examples=40, deadline=None)
        @given(chats())
        def check(chat: ChatRequest) -> None:
            try:
                wire, _ = write(dialect, chat)
            except InvalidRequest as error:
                assert error.param  # noqa: PT017  # either outcome is right
                return
            again = self.request_of(dialect, wire.body, stream=chat.stream).canonical
            (text, calls, results), (said, *more) = spoken(again), spoken(chat)
            assert [calls, results] == more
            # a format that cannot be told a schema may put it into words of its own, in one place of the conversation's
            assert text == said if chat.output is None else _with_words_put_in(said, text)
            if chat.output is None and (chat.tool_choice is None or chat.tool_choice.mode != "none"):
                assert len(again.tools) == len(chat.tools)  # a format without schemas, or without "none", has its ways
            twice, losses = write(dialect, again)
            assert losses.fields == ()
            assert json.loads(twice.body) == json.loads(wire.body)

        check()

    def test_any_answer_arrives(self, dialect: Dialect) -> None:
        """Text, calls, the reason to end and token counts of any answer, whole or streamed, are what they were."""
        request, streamed = self.request_of(dialect, self.request_bodies[0]), self.stream_request(dialect)
        wires = self.wire_of(dialect), self.wire_of(dialect, stream=True)

        @settings(max_examples=40, deadline=None)
        @given(answers())
        def check(answer: ChatResponse) -> None:
            whole = dialect.read_response(dialect.write_response(answer, request), wires[0])
            assert gist(whole, answer.usage) == gist(answer, answer.usage)
            frames = split(dialect, written(dialect, streamed, events_of(answer)))
            pieces = assemble(check_events(read_events(dialect, wires[1], frames)))
            assert gist(pieces, answer.usage) == gist(answer, answer.usage)

        check()


def spoken(chat: ChatRequest) -> tuple[str, list[str], list[str]]:
    """All text in order, all calls' arguments, all results' texts: what no translation may change."""
    blocks = [block for message in chat.messages for block in message.content]
    results = [inner for block in blocks for inner in getattr(block, "content", ())]
    return (
        "".join(getattr(block, "text", "") for block in blocks),
        sorted(block.arguments.replace(" ", "") for block in blocks if isinstance(block, ToolCall)),
        sorted(getattr(inner, "text", "") for inner in results),
    )
