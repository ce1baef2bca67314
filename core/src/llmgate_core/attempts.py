"""Trying the targets of the plan, one after the other, until an answer can be committed.

What follows a failed attempt is decided by plugins (``llmgate_on_error``) within limits that hold whatever they say: nothing
after the commit point, nothing past the deadline, and an attempt that may have been billed is repeated on the same target
once at most, and only for pure inference.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from .calls import Answer, Calls
from .deadline import is_cancelled
from .decisions import Next, Retry
from .errors import DeadlineExceeded, GatewayError, NotFound, PluginError
from .exchange import Attempt, Exchange
from .hooks import Hooks, run
from .registry import Registry
from .response import Response
from .upstream_errors import AttemptClass, UpstreamError, UpstreamRejected

_OK: Final = AttemptClass.OK  # a member looked up on its Enum costs ten times a name


async def try_plan(exchange: Exchange, calls: Calls, registry: Registry, hooks: Hooks) -> Answer:
    """The first answer that may be committed. Raises the last error when no target gave one."""
    failed: GatewayError | None = None
    for target in exchange.plan:
        while True:
            provider = registry.provider_of(target.provider)
            if provider is None:
                raise NotFound(f"there is no provider {target.provider!r}", code="model_not_found", param="model")
            attempt = Attempt(len(exchange.attempts) + 1, target, provider, time.monotonic())
            exchange.attempts.append(attempt)
            try:
                return await calls.make(exchange, attempt)
            except PluginError as error:
                close_attempt(attempt, error, time.monotonic())
                if hooks.attempt_done is not None:
                    await run(hooks.attempt_done, exchange, attempt)
                raise
            except GatewayError as error:
                failed = _as_seen(exchange, attempt, error)
                decision = await _decide(exchange, attempt, failed, hooks)
            if isinstance(decision, Response):
                return decision
            if decision is None:
                raise failed
            if isinstance(decision, Next):
                break
            await _back_off(exchange, decision.after, failed)
    raise failed or NotFound("the plan is empty", code="model_not_found")


def _as_seen(exchange: Exchange, attempt: Attempt, error: GatewayError) -> GatewayError:
    """A 404 is our own bad configuration when the configuration vouches for the model, and an unknown one otherwise."""
    if isinstance(error, UpstreamRejected) and error.upstream_status == 404:
        target = attempt.target
        if target.model in attempt.provider.models or exchange.model not in {target.model, str(target)}:
            error.status, error.kind, error.code, error.body = 502, "upstream", "upstream_misconfigured", None
        else:
            error.kind = "not_found"
    return error


async def _decide(
    exchange: Exchange, attempt: Attempt, error: GatewayError, hooks: Hooks
) -> Retry | Next | Response | None:
    """Ask the plugins, and hold their answer against what must never be done."""
    close_attempt(attempt, error, time.monotonic())
    decision: Retry | Next | Response | None = None
    try:
        if hooks.on_error is not None:
            decision = await run(hooks.on_error, exchange, error)
    finally:
        if hooks.attempt_done is not None:
            await run(hooks.attempt_done, exchange, attempt)
    if is_cancelled():
        raise asyncio.CancelledError  # an observer swallowed it: nothing is to follow
    if isinstance(decision, Retry) and attempt.result is AttemptClass.AMBIGUOUS and not _may_repeat(exchange):
        return Next() if exchange.plan[-1] is not attempt.target else None
    return decision


def _may_repeat(exchange: Exchange) -> bool:
    """Whether the attempt that just failed in the dark may be sent to the same target again."""
    ambiguous = [attempt for attempt in exchange.attempts if attempt.result is AttemptClass.AMBIGUOUS]
    return exchange.pure and len(ambiguous) <= 1


def close_attempt(attempt: Attempt, error: GatewayError | None, now: float, cut: AttemptClass | None = None) -> None:
    """An attempt is over: it succeeded, failed with ``error``, or was ``cut`` short by the client or after the commit point."""
    attempt.ended_at = now
    attempt.error = error
    if cut is not None:
        attempt.result = cut
    elif error is None:
        attempt.result = _OK
    elif isinstance(error, UpstreamError) and error.attempt_class is not AttemptClass.PARTIAL:
        attempt.result = error.attempt_class
    elif isinstance(error, (UpstreamError, DeadlineExceeded)) or attempt.status is not None:
        attempt.result = AttemptClass.AMBIGUOUS
    else:
        attempt.result = AttemptClass.NOT_SENT


async def _back_off(exchange: Exchange, after: float, error: GatewayError) -> None:
    """Wait, but never into the deadline: the answer would come to nobody."""
    if time.monotonic() + after >= exchange.deadline:
        raise error
    if after > 0:
        began = time.monotonic()
        try:
            # again, because uvloop's timers may be a millisecond early
            while (left := began + after - time.monotonic()) > 0:  # noqa: ASYNC110  # time is all that it waits for
                await asyncio.sleep(left)
        finally:
            exchange.waited += time.monotonic() - began
