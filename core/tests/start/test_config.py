"""The configuration as a whole: sections, files, and that no garbage does more than be refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmgate_core.config import Config, ConfigError, GatewayConfig, load_config, make_config, read_toml
from llmgate_core.gateway import Gateway
from llmgate_core.plugins import Found
from llmgate_core.startup import build_gateway


def mistakes(data: Any) -> list[str]:
    """What is wrong with these tables."""
    with pytest.raises(ConfigError) as caught:
        make_config(data)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_nothing_is_a_configuration() -> None:
    """Without a file every option has its default."""
    assert load_config(None) == Config() == make_config({})


def test_all_sections_are_checked_at_once() -> None:
    """One run shows the mistakes of all sections, each with path and hint."""
    data = {
        "gatway": {},
        "gateway": {"prot": 1, "port": "80", "unsupported": "ignore", "grace": 0},
        "providers": {"a": 1},
        "plugins": [],
    }
    assert mistakes(data) == [
        "gatway: is not known; did you mean 'gateway'?",
        "gateway.port: must be a whole number, not a string",
        "gateway.unsupported: must be one of 'refuse', 'drop', not 'ignore'",
        "gateway.grace: must be above 0, not 0.0",
        "gateway.prot: is not known; did you mean 'port'?",
        "providers.a: must be a table; write [providers.a]",
        "plugins: must be a table; write [plugins.<name>]",
    ]


@pytest.mark.parametrize("port", [-1, 65536, True, 80.0, "80"])
def test_bad_port(port: Any) -> None:
    """A port is a whole number of sixteen bits."""
    (told,) = mistakes({"gateway": {"port": port}})
    assert told.startswith("gateway.port: ")


@pytest.mark.parametrize("name", ["total_timeout", "hold_limit", "keep_alive", "grace", "max_body", "body_timeout"])
def test_limits_are_above_zero(name: str) -> None:
    """A limit of nothing, or of less, is a mistake."""
    for value in (0, -1):
        (told,) = mistakes({"gateway": {name: value}})
        assert told.startswith(f"gateway.{name}: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_times_are_finite(value: float) -> None:
    """TOML knows nan and inf; a time limit does not."""
    (told,) = mistakes({"gateway": {"total_timeout": value}})
    assert told.startswith("gateway.total_timeout: ")


def test_file_and_line_of_a_syntax_error(tmp_path: Path) -> None:
    """A file that is no TOML is told with its name and line."""
    file = tmp_path / "gate.toml"
    file.write_text("[gateway]\nport = 80 80\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: TOML: ")
    assert "line 2" in str(caught.value)


def test_duplicate_key_is_a_syntax_error(tmp_path: Path) -> None:
    """A key that stands twice is not decided by luck."""
    file = tmp_path / "gate.toml"
    file.write_text("[gateway]\nport = 1\nport = 2\n")
    with pytest.raises(ConfigError):
        read_toml(file)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, or not UTF-8: one line that says so."""
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'a = "\xe9"')
    for file, told in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (latin, "UTF-8")):
        with pytest.raises(ConfigError, match=told):
            read_toml(file)


def test_mistakes_name_the_file(tmp_path: Path) -> None:
    """Each line of the message begins with the file's name."""
    file = tmp_path / "gate.toml"
    file.write_text('[gateway]\nport = "x"\nhots = "y"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{file}: gateway.") for line in lines)


scalars = st.one_of(
    st.text(max_size=10),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.just(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    st.just(dt.date(2020, 1, 1)),
    st.just(dt.time(1)),
)
names = st.sampled_from(
    [
        "gateway",
        "providers",
        "plugins",
        "port",
        "host",
        "disable",
        "type",
        "keys",
        "timeouts",
        "models",
        "env",
        "one",
        "toy",
    ]
) | st.text(max_size=6)
toml = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
sections = st.fixed_dictionaries({}, optional={"gateway": toml, "providers": toml, "plugins": toml, "x": toml})
tables = st.dictionaries(st.sampled_from(["toy", "odd", "one", "parrot", "a/b"]), toml, max_size=3)


def outcome(make: Callable[[], Any]) -> Any:
    """What was made, or the ConfigError that refused it; any other exception fails the test."""
    try:
        return make()
    except ConfigError as error:
        return error


@given(sections | st.dictionaries(names, toml, max_size=4))
@example({"gateway": {"plugins": [1], "disable": {"a": []}}})
def test_any_garbage_is_a_config_or_a_config_error(data: dict[str, Any]) -> None:
    """Whatever TOML can say, the answer is a checked configuration or a list of mistakes."""
    made = outcome(lambda: make_config(data))
    if isinstance(made, ConfigError):
        assert made.mistakes
        assert all(mistake.path and mistake.message for mistake in made.mistakes)
    else:
        assert isinstance(made.gateway, GatewayConfig)


@given(tables, st.fixed_dictionaries({}, optional={"plugins": toml, "disable": toml}), tables)
def test_any_garbage_builds_a_gateway_or_is_refused(toy: Any, providers: Any, gateway: Any, plugins: Any) -> None:
    """The same for everything that is checked later: providers, their options, plugins and their order."""
    data = {"providers": providers, "gateway": gateway, "plugins": plugins}
    found = [Found.of(toy.ToyPlugin, "toy")]
    made = outcome(lambda: build_gateway(make_config(data), found=found, environ={}))
    assert isinstance(made, Gateway) or made.mistakes


def refused(toy: Any, providers: Any, **gateway: Any) -> list[str]:
    """Why no gateway can be built of these providers."""
    with pytest.raises(ConfigError) as caught:
        build_gateway(
            make_config({"providers": providers, "gateway": gateway}),
            found=[Found.of(toy.ToyPlugin, "toy")],
            environ={},
        )
    return [str(mistake) for mistake in caught.value.mistakes]


def test_providers_are_checked_at_once(toy: Any) -> None:
    """The mistakes of all providers are told together."""
    providers = {
        "toy": {"keys": ["a"]},
        "two": {"type": "tyo", "base_url": "x"},
        "three": {"type": "odd", "base_url": "x", "kyes": []},
        "a/b": {"type": "toy", "base_url": "x"},
    }
    assert refused(toy, providers) == [
        "providers.toy: provider 'toy' needs a base_url",
        "providers.two: there is no provider type 'tyo'; did you mean 'toy'?",
        "providers.three.kyes: is not known; did you mean 'keys'?",
        "providers.a/b: a provider's name holds no slash; rename it",
    ]


def test_unknown_plugins_are_told(toy: Any) -> None:
    """Names in the order and in sections are checked; what is only switched off need not be installed."""
    assert refused(toy, {}, plugins=["tyo", "*"]) == [
        "gateway.plugins.tyo: no plugin 'tyo' is installed; did you mean 'toy'?"
    ]
    assert refused(toy, {}, plugins=["rate_limit"]) == [
        "gateway.plugins.rate_limit: no plugin 'rate_limit' is installed; pip install llmgate-rate-limit"
    ]
    assert refused(toy, {}, disable=["tyo"]) == [
        "gateway.disable.tyo: no plugin 'tyo' is installed; did you mean 'toy'?"
    ]
    config = make_config({"gateway": {"disable": ["something_else"]}})
    assert build_gateway(config, found=[Found.of(toy.ToyPlugin, "toy")], environ={}).registry.plugin_names == ("toy",)
