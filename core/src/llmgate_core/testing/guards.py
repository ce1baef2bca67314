"""Guards around every test of a plugin: no network beyond loopback, no blocking call in the event loop, nothing left open.

They hold where the project under test depends on ``llmgate-core`` (its ``pyproject.toml`` says so); the ini option
``llmgate_guards = on`` or ``off`` decides otherwise. One test is let off with ``@pytest.mark.llmgate_unguarded("network")``;
the words are ``network``, ``blocking`` and ``leaks``, none means all of them.

What a guard finds it raises on the spot, and once more when the test is over: code that swallows the error does not hide it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import subprocess
import sys
import time
import traceback
from asyncio import runners
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

ALL: Final = frozenset({"network", "blocking", "leaks"})
HOW: Final = 'let this one test off with @pytest.mark.llmgate_unguarded("{}")'


class GuardError(RuntimeError):
    """A test did what no test of a plugin may do."""


class Guards:
    """What was found in one test. ``patched`` puts the guards up and takes them down."""

    def __init__(self, words: frozenset[str] = ALL) -> None:
        self._words = words
        self._sessions: list[tuple[Any, str]] = []
        self.found: list[str] = []

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Guards up; when the block ends, GuardError tells all that was found."""
        with ExitStack() as undo:
            if "network" in self._words:
                self._guard_network(undo)
            if "blocking" in self._words:
                self._guard_blocking(undo)
            if "leaks" in self._words:
                self._guard_leaks(undo)
            yield
        self.found += [
            f"an aiohttp session was not closed; it was made at\n{where}"
            for session, where in self._sessions
            if not session.closed
        ]
        if self.found:
            raise GuardError("\n".join(self.found))

    def _stop(self, word: str, what: str) -> None:
        self.found.append(f"{what}; {HOW.format(word)}")
        raise GuardError(self.found[-1])

    # ── network ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _guard_network(self, undo: ExitStack) -> None:
        def check_address(arguments: tuple[Any, ...]) -> None:
            sock, address = arguments[0], arguments[1]
            if sock.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(str(address[0])):
                self._stop("network", f"a connection to {address[0]} was tried: tests stay on loopback")

        def check_name(arguments: tuple[Any, ...]) -> None:
            host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
            if host and not is_loopback(host):
                self._stop("network", f"the name {host!r} was looked up: tests stay on loopback")

        for name in ("connect", "connect_ex"):
            _watch(undo, socket.socket, name, check_address)
        _watch(undo, socket, "getaddrinfo", check_name)

    # ── blocking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _guard_blocking(self, undo: ExitStack) -> None:
        def check(what: str) -> Callable[[tuple[Any, ...]], None]:
            def look(arguments: tuple[Any, ...]) -> None:
                if in_loop():
                    self._stop("blocking", f"{what} blocks the event loop\n{_where()}")

            return look

        def look_at_name(arguments: tuple[Any, ...]) -> None:
            if not is_numeric(arguments[0]) and in_loop():
                self._stop("blocking", f"socket.getaddrinfo blocks the event loop\n{_where()}")

        def look_at_socket(arguments: tuple[Any, ...]) -> None:
            if arguments[0].gettimeout() != 0.0 and in_loop():
                self._stop("blocking", f"a blocking socket was used in the event loop\n{_where()}")

        _watch(undo, time, "sleep", check("time.sleep"))
        _watch(undo, socket, "getaddrinfo", look_at_name)
        _watch(undo, subprocess.Popen, "wait", check("subprocess.Popen.wait"))
        _watch(undo, subprocess.Popen, "communicate", check("subprocess.Popen.communicate"))
        for name in ("connect", "recv", "recv_into", "send", "sendall", "accept"):
            _watch(undo, socket.socket, name, look_at_socket)

    # ── leaks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _guard_leaks(self, undo: ExitStack) -> None:
        def look_at_tasks(arguments: tuple[Any, ...]) -> None:
            left = [task for task in asyncio.all_tasks(arguments[0]) if not task.done()]
            self.found += [f"a task was left running: {task!r}" for task in left]

        def note_session(arguments: tuple[Any, ...]) -> None:
            self._sessions.append((arguments[0], _where()))

        # The runner cancels what is left when the test's loop ends: the last moment at which it can be seen.
        _watch(undo, runners, "_cancel_all_tasks", look_at_tasks)
        if aiohttp := sys.modules.get("aiohttp"):
            _watch(undo, aiohttp.ClientSession, "__init__", note_session)


def is_loopback(host: str) -> bool:
    """Whether an address or a name can only be this machine."""
    if host in {"localhost", ""}:
        return True
    if not is_numeric(host):
        return False
    address = ipaddress.ip_address(host.partition("%")[0])
    return address.is_loopback or address.is_unspecified


def is_numeric(host: Any) -> bool:
    """Whether a host is an address (or none at all), so that nobody has to be asked for it."""
    if not isinstance(host, str):
        return host is None
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def in_loop() -> bool:
    """Whether an event loop runs in this very thread."""
    return asyncio._get_running_loop() is not None


def _watch(undo: ExitStack, owner: Any, name: str, look: Callable[[tuple[Any, ...]], None]) -> None:
    """Call ``look`` with the arguments each time before ``owner.name`` runs."""
    had_own = name in vars(owner)
    original = getattr(owner, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        look(arguments)
        return original(*arguments, **options)

    def restore() -> None:
        if had_own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)

    setattr(owner, name, watched)
    undo.callback(restore)


def _where() -> str:
    """The last frames outside this module, for a message."""
    stack = [frame for frame in traceback.extract_stack() if frame.filename != __file__]
    return "".join(traceback.format_list(stack[-4:])).rstrip()
