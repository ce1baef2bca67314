"""Importing does nothing: no socket, no thread, no process, no file written, no handler; in any order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.house.conftest import Member

# Runs in a new process. One child imports everything and tells what came along from outside; that is imported once, and
# then each module in a child of its own, so that every module is the first of ours to be imported once.
SCRIPT = """
import importlib, json, logging, os, signal, sys, threading

OURS = sys.argv[2]
EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.mkdir",
          "os.remove", "os.rename", "os.putenv", "os.unsetenv", "os.chdir", "signal.", "shutil.", "tempfile.")
seen = []

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if (event.startswith(EVENTS) or writes) and "__pycache__" not in str(arguments[0] if arguments else ""):
        seen.append(f"{event} {str(arguments)[:80]}")

def in_child(job):
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            answer = job()
        except BaseException as error:
            answer = [f"{type(error).__name__}: {error}"]
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        answer = json.load(pipe)
    os.wait()
    return answer

def everything():
    for name in names:
        importlib.import_module(name)
    return [name for name in sys.modules if name.partition(".")[0] != OURS]

def alone(name):
    before = dict(os.environ), logging.root.handlers[:], signal.getsignal(signal.SIGTERM)
    sys.addaudithook(watch)
    threading.Thread.start = lambda thread: seen.append(f"a thread: {thread}")
    importlib.import_module(name)
    if (dict(os.environ), logging.root.handlers[:], signal.getsignal(signal.SIGTERM)) != before:
        seen.append("the environment, a log handler or a signal handler was changed")
    return seen

names = json.loads(sys.argv[1])
outside = in_child(everything)
sys.dont_write_bytecode = True
for name in outside:
    if name.partition(".")[0] not in ("__main__", "__mp_main__"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(name, error, file=sys.stderr)
print(json.dumps({name: in_child(lambda: alone(name)) for name in names}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fresh import for each module needs fork to be quick")
def test_import_has_no_side_effect(member: Member) -> None:
    """Each module of a member imports alone, first of all, without a warning, and touches nothing outside itself."""
    names = [module.name for module in member.modules() if not module.name.endswith("__main__")]
    command = [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps(names), member.package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {name: events for name, events in json.loads(done.stdout).items() if events} == {}


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ("import socket\nsocket.socket()", "socket.__new__"),
        ("import threading\nthreading.Thread(target=print).start()", "a thread"),
        ("import subprocess\nsubprocess.run(['true'])", "subprocess.Popen"),
        ("import os\nos.environ['X_SIDE'] = '1'", "os.putenv"),
        ("open('side_effect.txt', 'w')", "open"),
        ("import no_such_module_here", "ModuleNotFoundError"),
    ],
)
def test_rule_sees_a_side_effect(body: str, event: str, tmp_path: Path) -> None:
    """The script reports what a bad module does while it is imported."""
    (tmp_path / "bad_module.py").write_text(body)
    command = [sys.executable, "-c", SCRIPT, '["bad_module"]', "bad_module"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert event in " ".join(json.loads(done.stdout)["bad_module"])
