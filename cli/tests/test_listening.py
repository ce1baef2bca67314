"""Sockets and URLs: where a gateway listens, and how that is told."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from llmgate_cli.banner import url_of
from llmgate_cli.listening import address_of, bind, join, reserve
from llmgate_cli.output import ConfigFailure


def test_port_0_is_a_free_one() -> None:
    """The real port is known before anything is served."""
    with closing(bind("127.0.0.1", 0)) as sock:
        assert address_of(sock) == ("127.0.0.1", sock.getsockname()[1])
        assert sock.getsockname()[1] > 0


def test_localhost_is_the_address_most_clients_try() -> None:
    """A name with two kinds of address is bound where IPv4 clients find it."""
    with closing(bind("localhost", 0)) as sock:
        assert address_of(sock)[0] == "127.0.0.1"


@pytest.mark.llmgate_unguarded("network")  # looks a name up: one that no network knows
@pytest.mark.parametrize("host", ["a" * 300, "a\0b"])
def test_host_that_is_none_is_told(host: str) -> None:
    """What cannot be a name is a mistake in the config."""
    with pytest.raises(ConfigFailure, match=r"gateway\.host"):
        bind(host, 0)


def test_reserved_address_is_joined_and_gets_no_connection() -> None:
    """Workers listen where the master only holds the place: each connection finds one that listens."""
    with closing(reserve("127.0.0.1", 0)) as reserved, closing(join(reserved)) as worker:
        assert address_of(worker) == address_of(reserved)
        worker.listen()
        for _ in range(20):
            with socket.create_connection(address_of(reserved)):
                worker.accept()[0].close()


def test_reserved_address_is_taken() -> None:
    """Where a worker listens nobody else does, not even one that would share."""
    with closing(reserve("127.0.0.1", 0)) as reserved, closing(join(reserved)) as worker:
        worker.listen()
        for take in (bind, reserve):
            with pytest.raises(ConfigFailure, match="another program"):
                take(*address_of(reserved))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
    ],
)
def test_url_can_be_pasted(host: str, url: str) -> None:
    """All addresses is no address to connect to; IPv6 has brackets."""
    assert url_of(host, 80) == url
