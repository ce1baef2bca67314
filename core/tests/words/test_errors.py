"""The two trees of errors: what they say of themselves, and that the pictures at the top of their modules are true."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from llmgate_core import errors, upstream_errors
from llmgate_core.errors import ErrorKind, GatewayError, InternalError, PluginError, QuotaExceeded, RateLimited
from llmgate_core.upstream_errors import AttemptClass, StreamInterrupted, UpstreamError, UpstreamRejected

ROW = re.compile(r"[│├└─ ]*(\w+) +(\d{3}|\.\.\.) *([A-Z_]+)?")


def family(root: type[GatewayError]) -> list[type[GatewayError]]:
    """A class and everything below it."""
    return [root, *(one for child in root.__subclasses__() for one in family(child))]


def drawn(text: str | None) -> dict[str, tuple[int, str, str | None]]:
    """The tree in a docstring: name → depth, status, attempt class."""
    assert text is not None
    found = {}
    for line in text.splitlines():
        match = ROW.match(line)
        if match and match[1][0].isupper():
            found[match[1]] = (len(line[: match.start(1)]), match[2], match[3])
    return found


OURS = [one for one in family(GatewayError) if one.__module__ == errors.__name__]
THEIRS = [
    one
    for one in family(UpstreamError)
    if issubclass(one, UpstreamError) and one.__module__ == upstream_errors.__name__
]


@pytest.mark.parametrize("cls", OURS[1:], ids=lambda cls: cls.__name__)
def test_tree_of_errors_is_true(cls: type[GatewayError]) -> None:
    """Each class stands in the picture with its status, under its parent."""
    tree = drawn(errors.__doc__)
    depth, status, _ = tree[cls.__name__]
    assert status == str(cls.status)
    (parent,) = cls.__bases__
    if parent is not GatewayError:
        assert tree[parent.__name__][0] < depth


@pytest.mark.parametrize("cls", THEIRS, ids=lambda cls: cls.__name__)
def test_tree_of_upstream_errors_is_true(cls: type[UpstreamError]) -> None:
    """The same, with the class of the attempt."""
    _, status, result = drawn(upstream_errors.__doc__)[cls.__name__]
    assert result == cls.attempt_class.name
    assert status == ("..." if cls is UpstreamRejected else str(cls.status))


def test_pictures_hold_nothing_else() -> None:
    """No class is drawn that does not exist."""
    names = {cls.__name__ for cls in (*OURS, *THEIRS)}
    assert {*drawn(errors.__doc__), *drawn(upstream_errors.__doc__)} - names - {"GatewayError"} == set()


@pytest.mark.parametrize("cls", [*OURS, *THEIRS], ids=lambda cls: cls.__name__)
def test_class_knows_status_kind_and_code(cls: type[GatewayError]) -> None:
    """Every class has a status that is an error, a kind of the known words, and a code of its own."""
    assert 400 <= cls.status < 600
    assert cls.kind in get_args(ErrorKind)
    if cls not in {GatewayError, UpstreamRejected}:
        assert cls.code
        assert re.fullmatch(r"[a-z_]+", cls.code)


def test_codes_are_distinct() -> None:
    """Programs that test for a code mean one class."""
    codes = [cls.code for cls in (*OURS, *THEIRS) if cls not in {GatewayError, UpstreamRejected}]
    assert len(codes) == len(set(codes))


def test_instance_may_say_more() -> None:
    """Status, kind and code of one error can differ from its class's, which stays as it was."""
    error = GatewayError("no", status=418, kind="conflict", code="teapot", param="p", retry_after=2, headers={"a": "b"})
    assert (error.status, error.kind, error.code, error.param) == (418, "conflict", "teapot", "p")
    assert (error.retry_after, error.headers, str(error)) == (2, {"a": "b"}, "no")
    assert (GatewayError.status, GatewayError.code) == (500, None)


def test_who_should_try_again() -> None:
    """Money that has run out does not come back by asking again; whoever raises may say otherwise."""
    assert RateLimited("x").should_retry is None
    assert QuotaExceeded("x").should_retry is False
    assert QuotaExceeded("x", should_retry=True).should_retry is True


def test_plugin_error_names_plugin_hook_and_cure() -> None:
    """The message is enough to act on."""
    error = PluginError("guard", "llmgate_pre_request", "ValueError")
    assert isinstance(error, InternalError)
    assert error.message == (
        "plugin 'guard' failed in llmgate_pre_request: ValueError; see the gateway's log, "
        'or switch it off with [gateway] disable = ["guard"]'
    )


def test_attempt_classes() -> None:
    """What never left us is safe; what broke after content is partial; the rest may have been billed."""
    assert {cls.attempt_class for cls in THEIRS} == set(AttemptClass) - {AttemptClass.OK}
    assert StreamInterrupted.attempt_class is AttemptClass.PARTIAL
