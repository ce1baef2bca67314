"""The part of the dialect contract about whole answers, lists and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmgate_core import errors, upstream_errors
from llmgate_core.decisions import EMPTY
from llmgate_core.dialect import Dialect
from llmgate_core.errors import GatewayError, PluginError
from llmgate_core.messages import ChatResponse, Refusal, Text, ToolCall
from llmgate_core.testing.canonical import answers
from llmgate_core.testing.mutations import mutated
from llmgate_core.testing.wire_requests import as_bytes
from llmgate_core.upstream_errors import UpstreamBadResponse, UpstreamRejected
from llmgate_core.usage import Usage
from llmgate_core.wirevalues import ModelInfo, ProviderError

from .base import DialectSamples

NOT_AN_ANSWER = (b"", b"{", b"[]", b"null", b'"text"', b"<html>502 Bad Gateway</html>", b"\xff\xfe")
AWKWARD_TEXT = 'it says "no":\n\u2028 é <b>'


def every_error() -> Iterator[GatewayError]:
    """One of each class in the tree."""
    for module in (errors, upstream_errors):
        for cls in vars(module).values():
            if not isinstance(cls, type) or not issubclass(cls, GatewayError) or cls.__module__ != module.__name__:
                continue
            if issubclass(cls, PluginError):
                yield cls("tick", "llmgate_pre_request", AWKWARD_TEXT)
            elif issubclass(cls, UpstreamRejected):
                yield cls(AWKWARD_TEXT, upstream_status=429, status=429, kind="rate_limit", code="x", retry_after=1.5)
            else:
                yield cls(AWKWARD_TEXT, param="messages[0]", retry_after=2)


class AnswerContract(DialectSamples):
    """Whole answers: read from a provider, written for a client."""

    def test_own_answer_loses_nothing(self, dialect: Dialect, response_body: Any) -> None:
        """Read, written in its own dialect and read again, an answer is what it was."""
        answer = dialect.read_response(as_bytes(response_body), self.wire_of(dialect))
        request = self.request_of(dialect, self.request_bodies[0])
        written = dialect.write_response(answer, request)
        assert dialect.read_response(written, self.wire_of(dialect)) == answer

    def test_answer_is_read_whole(self, dialect: Dialect, response_body: Any) -> None:
        """The canonical answer names its dialect, its model, and has choices numbered from 0."""
        answer = dialect.read_response(as_bytes(response_body), self.wire_of(dialect))
        assert answer.dialect == dialect.name
        assert answer.id
        assert answer.model
        assert [choice.index for choice in answer.choices] == list(range(len(answer.choices)))
        assert {choice.message.role for choice in answer.choices} == {"assistant"}

    def test_summary_agrees_with_the_answer(self, dialect: Dialect, response_body: Any) -> None:
        """What is told of a relayed answer is what the canonical form says; of its usage, the counts."""
        summary = dialect.summarise(as_bytes(response_body))
        answer = dialect.read_response(as_bytes(response_body), self.wire_of(dialect))
        assert _counts(summary.usage) == _counts(answer.usage)
        assert summary.finish_reason == answer.choices[0].finish_reason
        assert summary.model == answer.model

    @pytest.mark.parametrize("body", NOT_AN_ANSWER)
    def test_what_is_no_answer_is_told(self, dialect: Dialect, body: bytes) -> None:
        """A body that is none of the dialect's is UpstreamBadResponse, however it is looked at."""
        with pytest.raises(UpstreamBadResponse):
            dialect.read_response(body, self.wire_of(dialect))
        with pytest.raises(UpstreamBadResponse):
            dialect.summarise(body)

    def test_odd_answer_is_read_or_refused(self, dialect: Dialect, response_body: Any) -> None:
        """A provider's slip is read as well as can be, or UpstreamBadResponse; nothing else is raised."""
        wire, request = self.wire_of(dialect), self.request_of(dialect, self.request_bodies[0])

        def read(body: bytes) -> None:
            dialect.write_response(dialect.read_response(body, wire), request)

        @settings(max_examples=100, deadline=None)
        @given(mutated(json.loads(as_bytes(response_body))))
        def check(body: Any) -> None:
            bears(read, as_bytes(body))
            bears(dialect.summarise, as_bytes(body))

        check()

    @pytest.mark.parametrize("name", answers())
    def test_answer_of_another_dialect_is_written(self, dialect: Dialect, name: str) -> None:
        """Text, tool calls, finish reason and token counts of any answer arrive in this dialect."""
        answer = answers()[name]
        written = dialect.write_response(answer, self.request_of(dialect, self.request_bodies[0]))
        again = dialect.read_response(written, self.wire_of(dialect))
        assert gist(again, answer.usage) == gist(answer, answer.usage)

    # ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
    def test_every_error_can_be_told(self, dialect: Dialect, error: GatewayError) -> None:
        """The body of each error is JSON and holds the message."""
        body = json.loads(dialect.write_error(error, "request-1"))
        assert isinstance(body, dict)
        assert error.message in json.dumps(body, ensure_ascii=False).replace('\\"', '"').replace("\\n", "\n")

    def test_error_of_the_provider_is_understood(self, dialect: Dialect, error_body: tuple[int, Any]) -> None:
        """A true error gives its message, and may be shown to a client of the same dialect as it is."""
        error = dialect.read_error(error_body[0], as_bytes(error_body[1]))
        assert error.message
        assert error.message in as_bytes(error_body[1]).decode().replace('\\"', '"').replace("\\n", "\n")
        assert error.verbatim

    @pytest.mark.parametrize("body", NOT_AN_ANSWER)
    def test_error_of_another_shape_is_borne(self, dialect: Dialect, body: bytes) -> None:
        """An error that is not the dialect's own gives a text, is never relayed, and never quotes a page."""
        error = dialect.read_error(502, body)
        assert error.message
        assert "<html>" not in error.message
        assert not error.verbatim

    def test_odd_error_is_borne(self, dialect: Dialect, error_body: tuple[int, Any]) -> None:
        """Reading an error raises nothing, whatever it is."""
        status, body = error_body

        @settings(max_examples=100, deadline=None)
        @given(mutated(json.loads(as_bytes(body))).map(as_bytes) | st.binary(max_size=60))
        def check(body: bytes) -> None:
            error: ProviderError = dialect.read_error(status, body)
            assert isinstance(error.message, str)

        check()

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_lists_are_written_where_they_are_served(self, dialect: Dialect) -> None:
        """A route for models, one model or a token count has its body, and it is JSON."""
        operations = {route.operation for route in dialect.routes}
        models = [ModelInfo("alias", "llmgate"), ModelInfo("one/model", "one", 1_700_000_000)]
        if "models" in operations:
            assert "one/model" in json.dumps(json.loads(dialect.write_models(models)))
        if "model" in operations:
            assert "one/model" in json.dumps(json.loads(dialect.write_model(models[1])))
        if "count_tokens" in operations:
            assert "17" in json.dumps(json.loads(dialect.write_token_count(17)))


def bears(read: Callable[[bytes], Any], body: bytes) -> None:
    """Reading may fail in one way only."""
    try:
        read(body)
    except UpstreamBadResponse as error:
        assert error.message  # noqa: PT017  # either outcome is right


def gist(answer: ChatResponse, told: Usage | None) -> list[Any]:
    """What no translation may lose of an answer: its token counts (where ``told`` has any) and each choice's content."""
    usage = answer.usage or Usage()
    found: list[Any] = [told and (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens or 0)]
    for choice in answer.choices:
        blocks = choice.message.content
        text = "".join(block.text for block in blocks if isinstance(block, (Text, Refusal)))
        calls = [(block.id, block.name, block.arguments) for block in blocks if isinstance(block, ToolCall)]
        found.append((choice.finish_reason, text, calls))
    return found


def _counts(usage: Usage | None) -> Usage | None:
    return usage and attrs.evolve(usage, extra=EMPTY)
