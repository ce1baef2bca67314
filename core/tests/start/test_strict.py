"""Strict configuration: no coercion, every mistake at once, each with its path and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import define, field, validators

from llmgate_core import Secret
from llmgate_core.provider import HttpProviderConfig, KeyConfig
from llmgate_core.strict import MistakesFound, structure


@define
class Inner:
    """One shape of a union."""

    targets: list[str]
    strategy: Literal["ordered", "weighted"] = "ordered"


@define
class Settings:
    """Every type a configuration may have."""

    name: str = "x"
    count: int = 1
    share: float = 0.5
    on: bool = False
    words: list[str] = field(factory=list)
    table: dict[str, int] = field(factory=dict)
    maybe: int | None = None
    place: Path = Path()
    key: Secret | None = None
    keys: list[KeyConfig] = field(factory=list)
    shape: dict[str, list[str] | Inner] = field(factory=dict)
    port: int = field(default=1, validator=[validators.ge(0), validators.le(65535)])


def mistakes(value: Any, cls: type[Any] = Settings, **environ: str) -> list[str]:
    """The mistakes in a table, as they are shown."""
    with pytest.raises(MistakesFound) as caught:
        structure(value, cls, "at", environ)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_every_type_is_read() -> None:
    """Good values of every type arrive as they are."""
    found = structure(
        {
            "name": "n",
            "count": 2,
            "share": 1,
            "on": True,
            "words": ["a"],
            "table": {"a": 1},
            "maybe": 3,
            "place": "/tmp/x",
            "key": "sk",
            "keys": ["sk-1", {"env": "K", "weight": 2, "models": ["m*"]}, {"value": "sk-3", "name": "third"}],
            "shape": {"a": ["x"], "b": {"targets": ["y"], "strategy": "weighted"}},
        },
        Settings,
        "at",
        {"K": "sk-2\n"},
    )
    assert (found.name, found.count, found.share, found.on, found.words) == ("n", 2, 1.0, True, ["a"])
    assert (found.table, found.maybe, found.place) == ({"a": 1}, 3, Path("/tmp/x"))
    assert found.key == Secret("sk")
    assert [key.secret.reveal() for key in found.keys] == ["sk-1", "sk-2", "sk-3"]
    assert (found.keys[1].weight, found.keys[1].models, found.keys[2].name) == (2.0, ["m*"], "third")
    assert found.shape == {"a": ["x"], "b": Inner(["y"], "weighted")}


ROWS: dict[str, tuple[Any, str]] = {
    "string-for-number": ({"count": "1"}, "at.count: must be a whole number, not a string"),
    "float-for-number": ({"count": 1.0}, "at.count: must be a whole number, not a number"),
    "true-for-number": ({"count": True}, "at.count: must be a whole number, not true or false"),
    "true-for-float": ({"share": True}, "at.share: must be a number, not true or false"),
    "number-for-string": ({"name": 1}, "at.name: must be a string, not a whole number"),
    "number-for-bool": ({"on": 1}, "at.on: must be true or false, not a whole number"),
    "string-for-bool": ({"on": "yes"}, "at.on: must be true or false, not a string"),
    "string-for-list": ({"words": "a"}, "at.words: must be a list, not a string"),
    "number-in-list": ({"words": ["a", 1]}, "at.words[1]: must be a string, not a whole number"),
    "string-in-table": ({"table": {"a": "1"}}, "at.table.a: must be a whole number, not a string"),
    "string-for-maybe": ({"maybe": "1"}, "at.maybe: must be a whole number, not a string"),
    "number-for-path": ({"place": 1}, "at.place: must be a string, not a whole number"),
    "unknown-key": ({"nam": "x"}, "at.nam: is not known; did you mean 'name'?"),
    "wrong-union": ({"shape": {"a": 1}}, "at.shape.a: must be a list or a table, not a whole number"),
    "inside-union": (
        {"shape": {"a": {"targets": ["x"], "strategy": "best"}}},
        "at.shape.a.strategy: must be one of 'ordered', 'weighted', not 'best'",
    ),
    "missing-inside-union": ({"shape": {"a": {}}}, "at.shape.a.targets: is missing"),
    "unknown-inside-union": (
        {"shape": {"a": {"targets": [], "stratgy": "x"}}},
        "at.shape.a.stratgy: is not known; did you mean 'strategy'?",
    ),
    "not-a-table": ([], "at: must be a table, not a list"),
    "empty-secret": ({"key": ""}, "at.key: the secret from config is empty"),
    "secret-of-two-sources": (
        {"key": {"env": "A", "file": "b"}},
        'at.key: must be a string, { env = "NAME" } or { file = "path" }',
    ),
    "secret-from-unset-variable": (
        {"key": {"env": "A"}},
        "at.key: the environment variable A is not set; set it, or remove this entry",
    ),
    "secret-from-no-file": (
        {"key": {"file": "/nowhere/x"}},
        "at.key: the file '/nowhere/x' cannot be read: FileNotFoundError",
    ),
    "key-without-source": ({"keys": [{"weight": 1}]}, 'at.keys[0]: needs exactly one of "value", "env" or "file"'),
    "key-option-typo": (
        {"keys": [{"value": "a", "wight": 1}]},
        "at.keys[0].wight: is not known; did you mean 'weight'?",
    ),
    "number-for-key": ({"keys": [1]}, 'at.keys[0]: must be a string, or a table with one of "value", "env" or "file"'),
}


@pytest.mark.parametrize(("value", "told"), ROWS.values(), ids=ROWS.keys())
def test_mistake_is_told(value: Any, told: str) -> None:
    """Where, what, and what to do."""
    assert mistakes(value) == [told]


def test_all_mistakes_at_once() -> None:
    """One run shows everything that is wrong, at any depth."""
    value = {"nam": 1, "count": "1", "words": [1, "a", 2], "keys": [{"value": "a", "weight": "2"}], "port": 70000}
    assert [told.partition(":")[0] for told in mistakes(value)] == [
        "at.count",
        "at.words[0]",
        "at.words[2]",
        "at.keys[0].weight",
        "at.port",
        "at.nam",
    ]


@pytest.mark.parametrize("weight", [-0.5, -1, float("nan"), float("inf")])
def test_weight_of_a_key(weight: float) -> None:
    """A weight that no choice can be made by is a mistake."""
    (told,) = mistakes({"keys": [{"value": "a", "weight": weight}]})
    assert told.startswith("at.keys[0].weight: ")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_timeouts_are_above_zero(seconds: float) -> None:
    """A limit of nothing would end every request."""
    (told,) = mistakes({"base_url": "http://x", "timeouts": {"connect": seconds}}, HttpProviderConfig)
    assert told.startswith("at.timeouts.connect: ")


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_b94_trailing_line_end_is_no_part_of_a_secret(tmp_path: Path, end: str) -> None:
    """From a file or the environment a key comes without its line end."""
    file = tmp_path / "key"
    file.write_bytes(b"sk-1" + end.encode())
    assert structure({"key": {"file": str(file)}}, Settings, "at").key.reveal() == "sk-1"  # type: ignore[union-attr]  # given above
    assert structure({"key": {"env": "K"}}, Settings, "at", {"K": "sk-1" + end}).key.reveal() == "sk-1"  # type: ignore[union-attr]  # given above


@pytest.mark.parametrize("value", ["sk 1", "sk-1\nx: y", "schlüssel", "sk\x00", "\u200bsk"])
def test_b94_secret_that_no_header_can_carry(value: str) -> None:
    """White space and other alphabets inside a key are a mistake; the key is not shown."""
    (told,) = mistakes({"key": {"env": "K"}}, K=value)
    assert told.startswith("at.key: the secret from env K has characters that no HTTP header may carry")
    assert value not in told


def test_secrets_are_not_shown_in_mistakes() -> None:
    """A key in the wrong place is not repeated."""
    for value in ({"count": "sk-canary"}, {"keys": "sk-canary"}, {"key": ["sk-canary"]}, {"on": "sk-canary"}):
        assert "canary" not in "".join(mistakes(value))
