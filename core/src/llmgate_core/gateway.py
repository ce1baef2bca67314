"""The gateway: read :meth:`Gateway.handle` and you know it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any, Final

from .assembly import events_of
from .attempts import close_attempt, try_plan
from .calls import Answer, Calls
from .config import Config
from .deadline import Clock, Deadline
from .errors import GatewayError, InternalError, NotFound
from .exchange import Attempt, Exchange
from .feeds import EventFeed, GivenEvents
from .hooks import Hooks, called, run
from .intake import Intake
from .lifespan import Lifespan
from .plugins import Loaded
from .provider import Timeouts
from .registry import Registry
from .relay import OpenStream, send_error, send_stream, send_whole
from .responder import Responder
from .response import Response
from .upstream import Upstream
from .upstream_errors import AttemptClass

logger = logging.getLogger("llmgate")
_OWN_OPERATIONS: Final = frozenset({"models", "model"})
_CUT_OUTCOMES: Final = frozenset({"partial", "client_left"})


class Gateway:
    """Everything one configuration gives: plugins, providers, compiled hooks. Several can live in one process.

    ``active`` is the number of requests in flight; ``hook_errors`` counts failures of OBSERVE hooks by (plugin, hook);
    ``may_wait`` says whether a request may wait with something that needs an :class:`asyncio.Task` around it (an async hook,
    say), and not for bare futures alone.
    """

    def __init__(self, config: Config, registry: Registry, hooks: Hooks, plugins: Sequence[Loaded]) -> None:
        self.config = config
        self.registry = registry
        self.hooks = hooks
        self._answer_waits = hooks.waits - {"llmgate_post_response"}
        self._observers_wait = hooks.waits & {"llmgate_attempt_done", "llmgate_post_response"}
        self._clock = Clock()
        self._pre_request = called(hooks.pre_request)
        self._select_provider = called(hooks.select_provider)
        self._attempt_done = called(hooks.attempt_done)
        self._post_response = called(hooks.post_response)
        self.plugins = tuple(plugins)
        self.intake = Intake(config.gateway, registry)
        self.active = 0
        self.may_wait = True
        self._calls: Calls | None = None
        self._stack = AsyncExitStack()

    @property
    def hook_errors(self) -> Mapping[tuple[str, str], int]:
        """Exceptions of OBSERVE hooks, by (plugin, hook)."""
        return self.hooks.errors

    async def open(self, upstream: Upstream) -> None:
        """Enter the lifespan: the way to providers first, then the plugins in order. Undone when one of them fails."""
        try:
            await upstream.open()
            self._stack.push_async_callback(upstream.close)
            for implementation in self.hooks.found["llmgate_lifespan"]:
                await self._stack.enter_async_context(Lifespan(implementation, self))
        except BaseException:
            await self._stack.aclose()
            raise
        self._calls = Calls(self.config.gateway, self.registry, self.hooks, upstream)
        self.may_wait = bool(self.hooks.waits) or upstream.needs_task

    async def close(self) -> None:
        """Leave the lifespan, in reverse order."""
        await self._stack.aclose()

    async def handle(self, exchange: Exchange, responder: Responder, refused: GatewayError | None = None) -> None:
        """One request, from the first hook to the last byte. ``refused`` is what the intake found wrong with it."""
        self.active += 1
        answer: Answer | None = None
        try:
            if refused is not None:
                raise refused
            if self._answer_waits:
                answer = await self._answer_waiting(exchange)
            else:
                answer = self._own_answer(exchange) or await self._try(exchange)
            answer = self._as_wanted(exchange, answer) if exchange.request.stream else answer
            pending = (
                send_stream(exchange, answer, responder, self.config.gateway.keep_alive)
                if isinstance(answer, OpenStream)
                else send_whole(exchange, answer, responder)
            )
            if pending is not None:
                await pending
            if exchange.outcome == "pending":
                exchange.outcome = "ok" if exchange.status < 400 else "error"
        except (asyncio.CancelledError, ConnectionError):
            exchange.outcome = "client_left"
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it is, the client gets an answer and the worker lives
            await self._refuse(exchange, error, responder)
        finally:
            try:
                if self._observers_wait or type(answer) is OpenStream:
                    await self._finish(exchange, answer)
                else:
                    self._tell(exchange, _closed(exchange, answer))
            finally:
                self.active -= 1

    def _own_answer(self, exchange: Exchange) -> Answer | None:
        """The answer of a plugin, or of the gateway itself. None when providers are to be asked: those of the plan."""
        hook = self._pre_request
        if hook is not None:
            answered: Response | None = hook(exchange)
            if answered is not None:
                return answered
        if exchange.operation in _OWN_OPERATIONS:
            return self.intake.models_answer(exchange)
        hook = self._select_provider
        if hook is not None:
            exchange.plan = hook(exchange, exchange.plan)
        return None

    async def _answer_waiting(self, exchange: Exchange) -> Answer:
        """The same, and then the answer of a provider, where a plugin may wait: the deadline is for all of it."""
        with Deadline(self._clock, exchange.deadline):
            hook = self.hooks.pre_request
            if hook is not None:
                answered: Response | None = await hook.call(exchange) if hook.is_async else hook.call(exchange)
                if answered is not None:
                    return answered
            if exchange.operation in _OWN_OPERATIONS:
                return self.intake.models_answer(exchange)
            hook, plan = self.hooks.select_provider, exchange.plan
            if hook is not None:
                exchange.plan = await hook.call(exchange, plan) if hook.is_async else hook.call(exchange, plan)
            return await self._try(exchange)

    def _try(self, exchange: Exchange) -> Coroutine[Any, Any, Answer]:
        """The answer of the plan's first target that gives one."""
        if self._calls is None:
            raise InternalError("the gateway was not opened")
        if not exchange.plan:
            raise self._nobody_serves(exchange.model)
        return try_plan(exchange, self._calls, self.registry, self.hooks)

    def _as_wanted(self, exchange: Exchange, answer: Answer) -> Answer:
        """A whole answer that a plugin gave becomes a stream when the client asked for one."""
        if isinstance(answer, OpenStream) or not (exchange.request.stream and answer.edited):
            return answer
        canonical = answer.canonical
        if canonical is None:
            return answer
        writer = exchange.dialect.event_writer(exchange.request)
        feed = EventFeed(GivenEvents(events_of(canonical)), writer, exchange, None)
        return OpenStream(feed, Timeouts(), exchange.deadline, [], answer.headers)

    def _nobody_serves(self, model: str) -> NotFound:
        active = ", ".join(self.registry.plugin_names) or "none"
        return NotFound(
            f"no plugin selected a provider for model {model[:100]!r} (active plugins: {active}); "
            "ask for 'provider/model', or for a name in the list of models",
            code="model_not_found",
            param="model",
        )

    async def _refuse(self, exchange: Exchange, error: BaseException, responder: Responder) -> None:
        """Answer with an error, if the answer has not begun: then only closing the connection is honest."""
        if not isinstance(error, GatewayError):
            logger.error("request %s failed inside the gateway", exchange.id, exc_info=error)
            error = InternalError(f"the gateway failed on this request; its log says why under id {exchange.id}")
        elif isinstance(error, InternalError):
            logger.error("request %s: %s", exchange.id, error.message, exc_info=error.__cause__)
        if exchange.committed_at is not None:
            exchange.error, exchange.outcome = error, "partial"
            raise error
        await send_error(exchange, error, responder)

    async def _finish(self, exchange: Exchange, answer: Answer | None) -> None:
        """Give the provider up if it still talks, and tell the observers: exactly once, whatever happened."""
        try:
            if type(answer) is OpenStream:
                await answer.feed.close()
        except Exception:
            logger.exception("request %s: its provider could not be given up", exchange.id)
        finally:
            ended = _closed(exchange, answer)
            if self._observers_wait:
                await self._tell_waiting(exchange, ended)
            else:
                self._tell(exchange, ended)

    def _tell(self, exchange: Exchange, ended: Attempt | None) -> None:
        """Tell the observers, first of the attempt that ended with the exchange."""
        hook = self._attempt_done
        if ended is not None and hook is not None:
            hook(exchange, ended)
        hook = self._post_response
        if hook is not None:
            hook(exchange)

    async def _tell_waiting(self, exchange: Exchange, ended: Attempt | None) -> None:
        """The same where a plugin may wait."""
        hooks = self.hooks
        if ended is not None and hooks.attempt_done is not None:
            await run(hooks.attempt_done, exchange, ended)
        if hooks.post_response is not None:
            await run(hooks.post_response, exchange)


def _closed(exchange: Exchange, answer: Answer | None) -> Attempt | None:
    """Note the end of the exchange, and of the attempt that answered it: that one, None if none was going on."""
    if type(answer) is OpenStream:
        exchange.usage = exchange.usage or answer.feed.summary.usage
        exchange.finish_reason = exchange.finish_reason or answer.feed.summary.finish_reason
    now = exchange.ended_at = monotonic()
    last = exchange.attempts[-1] if exchange.attempts else None
    if last is None or last.ended_at is not None:
        return None
    last.usage = exchange.usage
    cut = _cut(answer) if exchange.outcome in _CUT_OUTCOMES else None
    close_attempt(last, exchange.error, now, cut)
    return last


def _cut(answer: Answer | None) -> AttemptClass | None:
    """How the last attempt is to be seen when the exchange was cut short; None when its answer had come whole."""
    if isinstance(answer, Response):
        return None
    return AttemptClass.AMBIGUOUS if answer is None else AttemptClass.PARTIAL
