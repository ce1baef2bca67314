"""The provider type ``echo``: reads the script in the model's name, composes a reply and speaks it word by word."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Final

from attrs import define, field, validators

from llmgate_core import LocalProvider, ProviderConfig, ProviderError, Usage
from llmgate_core.events import BlockDelta, End, Event, Failure, Finish, Start
from llmgate_core.messages import ChatRequest
from llmgate_core.rejections import reject
from llmgate_core.upstream_errors import StreamInterrupted

from .failures import failure
from .reply import compose
from .script import Script, parse
from .speech import cost, speak
from .words import input_words

MOST_CHOICES: Final = 128


@define
class EchoConfig(ProviderConfig):
    """``[providers.<name>]`` with ``type = "echo"``. Seconds; words for ``cut_after``.

    ``models``, when given, are names that answer like ``echo``: so an echo can stand in for any provider.
    """

    delay: float = field(default=2.0, validator=validators.ge(0))
    word_delay: float = field(default=0.2, validator=validators.ge(0))
    retry_after: float = field(default=1.0, validator=validators.ge(0))
    cut_after: int = field(default=3, validator=validators.ge(0))


class EchoProvider(LocalProvider):
    """Repeats the last user text. The same request gives the same answer, to the last byte."""

    type = "echo"
    config_class = EchoConfig
    always_on = True
    known_models = ("echo", "fail-429", "fail-500", "slow", "slow-words", "cut", "stall", "refuse", "empty")
    config: EchoConfig

    async def answer(self, chat: ChatRequest) -> AsyncIterator[Event]:
        """The reply as canonical events, with the mishaps its model name asks for."""
        script = self._script(chat.model)
        if script.delay:
            await asyncio.sleep(script.delay)
        if script.fail is not None:
            raise failure(script, self.name)
        self._check(chat)
        reply = compose(chat, script, self.name)
        asked = input_words(chat.messages)
        yield Start(_answer_id(chat), chat.model, usage=Usage(input_tokens=asked))
        choices = range(chat.sampling.n or 1)
        words = 0
        for event in speak(reply, choices):
            if isinstance(event, BlockDelta):
                if words in (script.cut, script.stall):
                    break
                if script.word_delay:
                    await asyncio.sleep(script.word_delay)
                words += 1
            yield event
        if script.stall is not None:
            await asyncio.get_running_loop().create_future()  # for ever, until cancelled
        if script.cut is not None:
            yield Failure(StreamInterrupted(f"provider {self.name!r} broke off, as model {chat.model!r} is meant to"))
            return
        finishes = tuple(Finish(reply.finish, choice, stop_sequence=reply.stop_sequence) for choice in choices)
        yield End(finishes, cost(reply, asked, len(choices)))

    def _script(self, model: str) -> Script:
        script = parse(model, self.config.delay, self.config.word_delay, self.config.retry_after, self.config.cut_after)
        if script is None and model in self.config.models:
            script = Script()
        if script is None:
            known = ", ".join(self.known_models)
            error = ProviderError(
                f"provider {self.name!r} has no such model; it has {known}", "not_found", "model_not_found"
            )
            raise reject(404, error, provider=self.name)
        return script

    def _check(self, chat: ChatRequest) -> None:
        """What a provider refuses, so that applications meet it here as well."""
        sampling = chat.sampling
        if sampling.n is not None and not 1 <= sampling.n <= MOST_CHOICES:
            told, param = f"n must be between 1 and {MOST_CHOICES}", "n"
        elif sampling.max_tokens is not None and sampling.max_tokens < 1:
            told, param = "max_tokens must be at least 1", "max_tokens"
        else:
            return
        raise reject(400, ProviderError(told, "invalid_request", "invalid_value", param), provider=self.name)


def _answer_id(chat: ChatRequest) -> str:
    """The same for the same conversation, whatever process it runs in."""
    told = repr((chat.model, chat.messages)).encode("utf-8", "surrogatepass")
    return f"echo-{hashlib.sha256(told).hexdigest()[:16]}"
