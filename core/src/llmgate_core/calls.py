"""One attempt: from a target to an answer that may be committed.

    key ─► transform_request ─► the provider's wire ─► send ─► whole answer │ stream past its hold-back

Every attempt is written from the request as it arrived (``exchange.request`` is immutable), never from what an earlier one left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Final

import attrs
from attrs import define

from .assembly import Assembler, events_of
from .config import GatewayConfig
from .deadline import is_cancelled
from .decisions import Key
from .dialect import Dialect, Losses
from .errors import InvalidRequest, NotFound
from .exchange import Attempt, Exchange
from .feeds import EventFeed, EventSource, Feed, GivenEvents, LocalEvents, RawFeed, WireEvents
from .headers import HeaderChoice
from .hooks import Hooks, called, run
from .messages import ChatResponse
from .provider import Call, HttpProvider, LocalProvider, Provider
from .registry import Registry
from .rejections import reject
from .relay import OpenStream
from .request import Request
from .resets import seconds_until_reset
from .response import Response
from .tokens import estimate_tokens
from .upstream import Reply, Upstream
from .upstream_errors import (
    NoKeyAvailable,
    StreamInterrupted,
    UpstreamEmpty,
    UpstreamError,
    UpstreamRedirect,
)
from .upstream_limits import no_content
from .wirevalues import Summary, WireRequest

Answer = Response | OpenStream
DROPPED: Final = "x-llmgate-dropped"
_ERROR_BODY_LIMIT: Final = 256 * 1024


@define(eq=False)
class Way:
    """From one client dialect to one provider, settled at start: who answers, in which dialect, whether bytes pass as they are.

    ``relayed`` are the provider's headers that a client of the same dialect knows; all others stay here.
    """

    http: HttpProvider | None
    local: LocalProvider | None
    dialect: Dialect
    same: bool
    relayed: HeaderChoice


def _way(provider: Provider, spoken: Dialect, registry: Registry) -> Way:
    same = spoken.name in provider.dialects
    dialect = spoken if same or not provider.dialects else registry.dialects[provider.dialects[0]]
    http = provider if isinstance(provider, HttpProvider) else None
    local = provider if isinstance(provider, LocalProvider) else None
    return Way(http, local, dialect, same, HeaderChoice(dialect.relay_headers))


class Calls:
    """Makes attempts. Holds nothing of any request."""

    def __init__(self, config: GatewayConfig, registry: Registry, hooks: Hooks, upstream: Upstream) -> None:
        self._config = config
        self._hooks = hooks
        self._upstream = upstream
        self._may_be_cancelled = bool(hooks.waits)
        self._preparing_waits = hooks.waits & {"llmgate_select_key", "llmgate_transform_request"}
        self._select_key = called(hooks.select_key)
        self._transform_request = called(hooks.transform_request)
        self._ways = {
            (provider.name, dialect.name): _way(provider, dialect, registry)
            for provider in registry.providers.values()
            for dialect in registry.dialects.values()
        }

    async def make(self, exchange: Exchange, attempt: Attempt) -> Answer:
        """Try once. Raises a :class:`GatewayError`; an :class:`UpstreamError` knows how far it came."""
        waits = self._preparing_waits
        request = await self._prepared_waiting(exchange, attempt) if waits else self._prepared(exchange, attempt)
        provider = attempt.provider
        way = self._ways[provider.name, exchange.dialect.name]
        if way.http is None:
            return await self._answer_locally(exchange, attempt, way.local, request)
        same = way.same and not request.edited
        dialect = attempt.dialect = way.dialect
        if exchange.operation != "chat" and not (same and _has_path(exchange, attempt, dialect)):
            return self._without_counterpart(exchange, attempt, dialect, request)
        model = attempt.target.model
        wire = dialect.forward(request, model) if same else self._translated(exchange, attempt, dialect, request)
        call = Call(exchange.operation, dialect, model, exchange.request.stream, wire.body, wire.headers, attempt.key)
        upstream_request = way.http.describe(call)
        began = monotonic()
        try:
            reply = await self._upstream.send(upstream_request, provider.timeouts, exchange.deadline)
        finally:
            now = monotonic()
            exchange.waited += now - began
        attempt.first_byte_at = now
        attempt.status = reply.status
        attempt.upstream_headers = reply.headers
        try:
            if reply.status != 200:
                await self._refused(exchange, attempt, dialect, reply)
            body = None if exchange.request.stream else reply.whole(self._config.max_response)
            if body is None:
                return await self._receive(exchange, attempt, way, wire, reply, same=same)
            response = Response(200, body, way.relayed.of(reply.headers) if same else {}, dialect, wire)
            if not same or self._hooks.transform_response is not None:
                return await self._whole(exchange, attempt, response)
            if exchange.operation == "chat":
                summary = dialect.summarise(body)
                attempt.usage = exchange.usage = summary.usage
                exchange.finish_reason = summary.finish_reason
            return response
        except BaseException:
            reply.close()
            raise

    def _prepared(self, exchange: Exchange, attempt: Attempt) -> Request:
        """What plugins say before a provider is asked: the key to use, and changes to the request."""
        if exchange.response_headers:
            exchange.response_headers.pop(DROPPED, None)  # what an earlier attempt had to leave out
        if attempt.provider.keys:
            select = self._select_key
            key = None if select is None else select(exchange, attempt.target)
            attempt.key = _first_key(attempt) if key is None else key
        change = self._transform_request
        request: Request = exchange.request if change is None else change(exchange, exchange.request)
        if self._may_be_cancelled:
            _check_cancelled()
        return request

    async def _prepared_waiting(self, exchange: Exchange, attempt: Attempt) -> Request:
        """The same where a plugin may wait."""
        hooks, request = self._hooks, exchange.request
        if exchange.response_headers:
            exchange.response_headers.pop(DROPPED, None)
        if attempt.provider.keys:
            key = None if hooks.select_key is None else await run(hooks.select_key, exchange, attempt.target)
            attempt.key = _first_key(attempt) if key is None else key
        if hooks.transform_request is not None:
            request = await run(hooks.transform_request, exchange, request)
        _check_cancelled()
        return request

    def _translated(self, exchange: Exchange, attempt: Attempt, dialect: Dialect, request: Request) -> WireRequest:
        losses = Losses()
        try:
            wire = dialect.write_request(request.canonical, attempt.target.model, losses)
        except RecursionError:
            raise InvalidRequest("the request is nested too deeply", code="invalid_json") from None
        if losses:
            if self._config.unsupported == "refuse":
                losses.refuse()
            exchange.response_headers[DROPPED] = ", ".join(losses.fields)
        return wire

    def _without_counterpart(
        self, exchange: Exchange, attempt: Attempt, dialect: Dialect, request: Request
    ) -> Response:
        """An operation the provider cannot be asked for: a token count is estimated, anything else refused."""
        if exchange.operation != "count_tokens":
            raise NotFound(
                f"{attempt.target} has no operation {exchange.operation!r}; choose a provider that speaks "
                f"{exchange.dialect.name}",
                code="unsupported_operation",
            )
        wire = self._translated(exchange, attempt, dialect, request)
        body = exchange.dialect.write_token_count(estimate_tokens(wire.body))
        return Response(200, body, headers={"x-llmgate-estimated": "true"})

    async def _receive(
        self, exchange: Exchange, attempt: Attempt, way: Way, wire: WireRequest, reply: Reply, *, same: bool
    ) -> Answer:
        """A good head has come, and an answer that is a stream, or not whole yet."""
        dialect = way.dialect
        headers = way.relayed.of(reply.headers) if same else {}
        if exchange.stream and not _is_json(reply):
            feed: Feed
            if same and self._hooks.transform_event is None:
                feed = RawFeed(reply, dialect, exchange.request)
            else:
                feed = self._events(exchange, WireEvents(reply, dialect, wire))
            return await self._held_back(exchange, attempt, feed, headers)
        body = await self._whole_body(exchange, attempt, reply)
        return await self._whole(exchange, attempt, Response(200, body, headers, dialect, wire))

    async def _refused(self, exchange: Exchange, attempt: Attempt, dialect: Dialect, reply: Reply) -> None:
        """Turn any status but 200 into the error it is."""
        name = attempt.provider.name
        if 200 < reply.status < 300 or reply.status == 304:
            raise UpstreamEmpty(f"provider {name!r} answered {reply.status} without an answer")
        if 300 <= reply.status < 400:
            raise UpstreamRedirect(f"provider {name!r} answered with a redirect; check its base_url")
        body = await self._error_body(exchange, attempt, reply)
        reply.close()
        hint = reply.headers.get("x-should-retry")
        error = dialect.read_error(reply.status, body)
        raise reject(
            reply.status,
            error,
            provider=name,
            body=body,
            retry_after=seconds_until_reset(reply.headers, dialect.reset_headers, limited=reply.status == 429),
            should_retry={"true": True, "false": False}.get(hint or ""),
            upstream_headers=reply.headers,
        )

    async def _error_body(self, exchange: Exchange, attempt: Attempt, reply: Reply) -> bytes:
        """The body of an error answer. The status is known: a body that is cut short or too long changes nothing of it."""
        began = monotonic()
        try:
            return await reply.read(_ERROR_BODY_LIMIT, attempt.provider.timeouts.idle, exchange.deadline)
        except UpstreamError:
            return b""
        finally:
            exchange.waited += monotonic() - began

    async def _whole_body(self, exchange: Exchange, attempt: Attempt, reply: Reply) -> bytes:
        began = monotonic()
        try:
            body = await reply.read(self._config.max_response, attempt.provider.timeouts.idle, exchange.deadline)
        finally:
            exchange.waited += monotonic() - began
        reply.close()
        if not body:
            raise UpstreamEmpty(f"provider {attempt.provider.name!r} answered 200 with an empty body")
        return body

    async def _whole(self, exchange: Exchange, attempt: Attempt, response: Response) -> Answer:
        """A whole answer: its usage noted, plugins asked, written for the client, as a stream if one was wanted."""
        same = attempt.dialect is exchange.dialect
        if exchange.operation == "chat":
            if same and response.body is not None:
                _note(exchange, attempt, exchange.dialect.summarise(response.body))
            elif (canonical := response.canonical) is not None:  # decoded anyway: not read a second time
                finish = canonical.choices[0].finish_reason if canonical.choices else None
                _note(exchange, attempt, Summary(canonical.usage, finish))
        if self._hooks.transform_response is not None:
            changed = self._hooks.transform_response.call(exchange, response)
            response = await changed if self._hooks.transform_response.is_async else changed
        if exchange.operation != "chat" or (same and not response.edited and not exchange.stream):
            return response
        canonical = response.canonical
        if canonical is None:
            raise InvalidRequest("the answer has no canonical form")
        if exchange.stream:
            return await self._held_back(
                exchange, attempt, self._events(exchange, GivenEvents(events_of(canonical))), {}
            )
        return Response.of(canonical, status=response.status, headers=response.headers)

    def _events(self, exchange: Exchange, source: EventSource) -> EventFeed:
        writer = exchange.dialect.event_writer(exchange.request)
        return EventFeed(source, writer, exchange, self._hooks.transform_event)

    async def _answer_locally(
        self, exchange: Exchange, attempt: Attempt, provider: LocalProvider | None, request: Request
    ) -> Answer:
        if provider is None:
            raise TypeError(f"provider {attempt.provider.name!r} is neither an HttpProvider nor a LocalProvider")
        if exchange.operation != "chat":
            return self._without_counterpart(exchange, attempt, exchange.dialect, request)
        chat = attrs.evolve(request.canonical, model=attempt.target.model)
        source = LocalEvents(provider.answer(chat), provider.name)
        if exchange.stream:
            return await self._held_back(exchange, attempt, self._events(exchange, source), {})
        canonical = await self._assembled(exchange, attempt, source)
        return await self._whole(exchange, attempt, Response.of(canonical))

    async def _assembled(self, exchange: Exchange, attempt: Attempt, source: LocalEvents) -> ChatResponse:
        timeouts = attempt.provider.timeouts
        assembler = Assembler()
        complete = False
        limit = timeouts.first_byte
        try:
            while True:
                began = monotonic()
                try:
                    events = await source.next(min(limit, exchange.deadline - began))
                except TimeoutError:
                    raise no_content(attempt.provider.name, limit, exchange.deadline) from None
                finally:
                    exchange.waited += monotonic() - began
                if events is None:
                    break
                for event in events:
                    assembler.add(event)
                limit = timeouts.idle
            complete = True
        finally:
            await source.close(complete)
        return assembler.response()

    async def _held_back(
        self, exchange: Exchange, attempt: Attempt, feed: Feed, headers: Mapping[str, str]
    ) -> OpenStream:
        """Pull until the first content, or until holding back longer would look like a hang to the client."""
        timeouts = attempt.provider.timeouts
        now = monotonic()
        first_by = attempt.started_at + timeouts.first_byte
        hold_by = min(now + self._config.hold_limit, exchange.deadline)
        stream = OpenStream(feed, timeouts, first_by, [], headers)
        try:
            while not feed.content:
                try:
                    data = await feed.next(max(0.0, min(first_by, hold_by) - now))
                except TimeoutError:
                    if hold_by < min(first_by, exchange.deadline):
                        return stream
                    raise no_content(attempt.provider.name, timeouts.first_byte, exchange.deadline) from None
                except StreamInterrupted:
                    if any(stream.held):
                        raise
                    raise UpstreamEmpty(
                        f"provider {attempt.provider.name!r} answered 200 with an empty stream"
                    ) from None
                finally:
                    exchange.waited += monotonic() - now
                now = monotonic()
                if data is None:
                    return stream
                stream.held.append(data)
        except BaseException:
            await feed.close()
            raise
        exchange.first_content_at = now
        return stream


def _check_cancelled() -> None:
    """A plugin may have swallowed it: nobody waits for an answer any more."""
    if is_cancelled():
        raise asyncio.CancelledError


def _first_key(attempt: Attempt) -> Key:
    for key in attempt.provider.keys:
        if key.allows(attempt.target.model):
            return key
    raise NoKeyAvailable(f"no key of provider {attempt.provider.name!r} may be used for {attempt.target.model!r}")


def _has_path(exchange: Exchange, attempt: Attempt, dialect: Dialect) -> bool:
    return dialect.path(exchange.operation, attempt.target.model, exchange.stream) is not None


def _note(exchange: Exchange, attempt: Attempt, summary: Summary) -> None:
    attempt.usage = exchange.usage = summary.usage
    exchange.finish_reason = summary.finish_reason


def _is_json(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("application/json")
