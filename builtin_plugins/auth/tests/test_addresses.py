"""Which addresses only this machine can reach."""

from __future__ import annotations

import pytest

from llmgate_auth.addresses import is_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    """Addresses of the machine itself."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "10.0.0.1", "192.168.1.5", "::ffff:10.0.0.1", "gateway.example", "fe80::1%eth0"]
)
def test_reachable_by_others(host: str) -> None:
    """Everything else, a name that is not looked up included."""
    assert not is_loopback(host)
