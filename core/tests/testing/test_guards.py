"""The guards fail the tests they should, let the others be, and stay out of other projects."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from llmgate_core.testing.guards import is_loopback

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ("pytester",)

OFFENCES = """
import asyncio, socket, subprocess, sys, time
import aiohttp, pytest

def reach():
    with socket.socket() as sock:
        sock.settimeout(0.01)
        try:
            sock.connect(("192.0.2.1", 80))
        except OSError:
            pass  # the network answers as it likes

def test_network(): reach()

def test_network_swallowed():
    try:
        reach()
    except RuntimeError:
        pass

def test_name():
    try:
        socket.getaddrinfo("example.invalid", 80)
    except OSError:
        pass

@pytest.mark.llmgate_unguarded("network")
def test_network_let_off(): reach()

async def test_sleep(): time.sleep(0)

async def test_child(): subprocess.run([sys.executable, "-c", ""])

async def test_blocking_socket():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            pass

@pytest.mark.llmgate_unguarded("blocking", "network")
async def test_sleep_let_off(): time.sleep(0)

@pytest.mark.llmgate_unguarded
async def test_all_let_off():
    time.sleep(0)
    reach()

async def test_thread_may_sleep(): await asyncio.to_thread(time.sleep, 0)

def test_sleep_without_loop(): time.sleep(0)

async def test_session():
    test_session.left = aiohttp.ClientSession()

async def test_session_closed():
    async with aiohttp.ClientSession():
        pass

@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session

async def test_session_of_a_fixture(session):
    assert not session.closed

async def test_task():
    test_task.left = asyncio.create_task(asyncio.sleep(60))

async def test_task_ended():
    task = asyncio.create_task(asyncio.sleep(0))
    await task

async def test_loopback():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "localhost", 0)
    for sock in server.sockets:
        reader, writer = await asyncio.open_connection(*sock.getsockname()[:2])
        writer.close()
        await writer.wait_closed()
    server.close()
"""
FAILED = {
    "test_network",
    "test_network_swallowed",
    "test_name",
    "test_sleep",
    "test_child",
    "test_blocking_socket",
    "test_session",
    "test_task",
}


def run(pytester: pytest.Pytester, pyproject: str, *options: str) -> tuple[set[str], str]:
    """Names of the tests that failed in the project, and all that pytest said."""
    pytester.makepyprojecttoml(pyproject)
    pytester.makepyfile(OFFENCES)
    result = pytester.runpytest_subprocess("-o", "asyncio_mode=auto", "-W", "ignore", "-rA", *options)
    names = set()
    for line in result.outlines:
        if line.startswith(("FAILED ", "ERROR ")):
            names.add(line.split("::")[1].split(" ")[0])
    return names, result.stdout.str()


def test_guards_catch_each_offence(pytester: pytest.Pytester) -> None:
    """Exactly the tests that reach out, block the loop or leave something open fail, and are told why."""
    failed, told = run(pytester, '[project]\nname = "x"\nversion = "1"\ndependencies = ["llmgate-core"]\n')
    assert failed == FAILED
    for words in (
        "a connection to 192.0.2.1 was tried",
        "the name 'example.invalid' was looked up",
        'let this one test off with @pytest.mark.llmgate_unguarded("network")',
        "time.sleep blocks the event loop",
        "an aiohttp session was not closed; it was made at",
        "a task was left running",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("pyproject", "options", "guarded"),
    [
        ('[project]\nname = "x"\nversion = "1"\ndependencies = ["other"]\n', (), False),
        (
            '[project]\nname = "x"\nversion = "1"\ndependencies = ["llmgate-core"]\n',
            ("-o", "llmgate_guards=off"),
            False,
        ),
        ('[project]\nname = "x"\nversion = "1"\n', ("-o", "llmgate_guards=on"), True),
    ],
)
def test_guards_hold_only_where_plugins_are_made(
    pytester: pytest.Pytester, pyproject: str, options: tuple[str, ...], *, guarded: bool
) -> None:
    """Installing the gateway changes nothing for another project's tests; an option decides either way."""
    failed, _ = run(pytester, pyproject, "-k", "test_sleep or test_task", *options)
    assert bool(failed) is guarded


def test_kit_is_loaded_lazily(pytester: pytest.Pytester) -> None:
    """A test run that uses nothing of the kit imports neither hypothesis nor aiohttp for it."""
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            assert "llmgate_core.testing.plugin" in sys.modules
            found = {name.partition(".")[0] for name in sys.modules} & {"aiohttp", "uvloop"}
            assert found == set()
            assert not [name for name in sys.modules if name.startswith("llmgate_core.testing.contracts")]
        """
    )
    assert pytester.runpytest_subprocess("-p", "no:hypothesispytest").ret == 0


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "::", "")],
        *[
            (host, False)
            for host in ("10.0.0.1", "169.254.169.254", "2001:db8::1", "localhost.example", "fe80::1%eth0")
        ],
    ],
)
def test_loopback_is_told_from_the_rest(host: str, *, loopback: bool) -> None:
    """Addresses and names that can only be this machine."""
    assert is_loopback(host) is loopback


def test_guards_leave_no_trace(tmp_path: Path) -> None:
    """After the guards are down, sockets are what they were."""
    from llmgate_core.testing.guards import Guards

    before = vars(socket.socket).copy(), socket.getaddrinfo
    with Guards().patched():
        assert socket.getaddrinfo is not before[1]
    assert (vars(socket.socket).copy(), socket.getaddrinfo) == before
