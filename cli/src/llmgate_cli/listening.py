"""The listening socket: bound before anything else is built, so that a taken port is told at once and port 0 is known."""

from __future__ import annotations

import errno
import os
import socket
import sys

from .output import ConfigFailure


def bind(host: str, port: int) -> socket.socket:
    """A bound socket. Raises :class:`ConfigFailure` saying what to do."""
    return _bound(*_resolved(host, port))


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds the address while workers bind it too (:func:`join`). It never listens, so it gets no connection.

    Raises :class:`ConfigFailure`. A socket that shares would not notice another program that shares: a plain one asks first.
    """
    family, address = _resolved(host, port)
    with _bound(family, address) as plain:
        address = plain.getsockname()
    return _bound(family, address, share=True)


def join(reserved: socket.socket) -> socket.socket:
    """One worker's own socket on the reserved address: the kernel shares connections out among those that listen."""
    return _bound(reserved.family, reserved.getsockname(), share=True)


def can_share() -> bool:
    """Whether this system balances connections over several sockets of one address."""
    return sys.platform == "linux" and hasattr(os, "fork")


def address_of(sock: socket.socket) -> tuple[str, int]:
    """Where a bound socket really is."""
    host, port = sock.getsockname()[:2]
    return str(host), int(port)


def _resolved(host: str, port: int) -> tuple[int, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError) as error:
        raise ConfigFailure(f"gateway.host: {host!r} is no address of this machine: {error}") from None
    # a name may have both kinds of address: clients that know but one know this one
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


def _bound(family: int, address: tuple[object, ...], *, share: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise ConfigFailure(_told(error, str(address[0]), address[1])) from None
    return sock


def _told(error: OSError, host: str, port: object) -> str:
    where = f"cannot listen on {host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: another program does already; stop it, or choose another port: llmgate serve --port 0"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{where}: ports below 1024 need privileges; choose a higher one, say --port 8080"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address; 127.0.0.1 is itself, 0.0.0.0 all of its addresses"
    return f"{where}: {error.strerror}"
