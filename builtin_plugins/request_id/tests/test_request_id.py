"""Whose id a request carries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_core import Exchange
from llmgate_core.strict import MistakesFound, structure
from llmgate_request_id import CLIENT_ID, RequestIdConfig, RequestIdPlugin

Make = Callable[..., Exchange]
OWN = "req_" + "0" * 24


def settle(exchange: Exchange, **config: object) -> str:
    """The id after the plugin has seen the exchange."""
    RequestIdPlugin(structure(config, RequestIdConfig, "plugins.request_id")).llmgate_pre_request(exchange)
    return exchange.id


@pytest.mark.parametrize("asked", ["a", "trace:1.2-3_4", "A" * 128, "0af7651916cd43dd8448eb211c80319c"])
def test_harmless_id_of_the_client_is_taken_over(make_exchange: Make, asked: str) -> None:
    """The client finds its own id in the gateway's log and on the answer."""
    assert settle(make_exchange({"x-request-id": asked})) == asked


@pytest.mark.parametrize(
    "asked", ["", "a b", "a\n", "\na", "A" * 129, "a, b", 'a"}{"', "\x1b[31m", "é", "\udcff", "../x", "１２３"]
)
def test_any_other_id_is_ignored(make_exchange: Make, asked: str) -> None:
    """An id that could break a log line or a header, or was sent twice, leaves the gateway's own in place."""
    assert settle(make_exchange({"x-request-id": asked})) == OWN


def test_no_id_keeps_the_own_one(make_exchange: Make) -> None:
    """Without a header the core's id stays."""
    assert settle(make_exchange()) == OWN


def test_distrusted_client_has_no_say(make_exchange: Make) -> None:
    """With trust_client off the header is not looked at."""
    assert settle(make_exchange({"x-request-id": "mine"}), trust_client=False) == OWN


def test_prefix_marks_own_ids_only(make_exchange: Make) -> None:
    """The prefix stands before the gateway's ids and leaves the client's alone."""
    assert settle(make_exchange(), prefix="eu1-") == "eu1-" + OWN
    assert settle(make_exchange({"x-request-id": "mine"}), prefix="eu1-") == "mine"


def test_another_header_is_read_and_answered(make_exchange: Make) -> None:
    """A header of another name carries the id both ways, however the config writes it."""
    exchange = make_exchange({"x-correlation-id": "c1", "x-request-id": "r1"})
    assert settle(exchange, header="X-Correlation-ID") == "c1"
    assert exchange.response_headers == {"x-correlation-id": "c1"}


def test_usual_header_is_left_to_the_core(make_exchange: Make) -> None:
    """The core writes x-request-id itself: it is not written twice."""
    exchange = make_exchange({"x-request-id": "r1"})
    settle(exchange)
    assert exchange.response_headers == {}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"header": "x request id"}, "header"),
        ({"header": ""}, "header"),
        ({"prefix": "a b"}, "prefix"),
        ({"prefix": "p" * 65}, "prefix"),
        ({"trust_client": "yes"}, "trust_client"),
        ({"trust_clients": True}, "trust_clients"),
    ],
)
def test_bad_config_names_the_field(config: dict[str, object], field: str) -> None:
    """A header or prefix that could not be sent is refused at start, and the message says which."""
    with pytest.raises(MistakesFound) as caught:
        structure(config, RequestIdConfig, "plugins.request_id")
    (mistake,) = caught.value.mistakes
    assert str(mistake).startswith("plugins.request_id")
    assert field in str(mistake)


@given(st.text(max_size=140))
def test_accepted_ids_are_printable_ascii(asked: str) -> None:
    """Whatever is accepted is one word of printable ASCII, so that no reader of headers or logs can misread it."""
    if CLIENT_ID.fullmatch(asked):
        assert asked.isascii()
        assert asked.isprintable()
        assert not set(asked) & set(" \"',;\\/<>")
        assert 1 <= len(asked) <= 128
