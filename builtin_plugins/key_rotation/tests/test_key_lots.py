"""What is laid out once and drawn from often is never out of date, and never grows without bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core import Attempt, Key, Secret, Target
from llmgate_core.upstream_errors import AttemptClass, NoKeyAvailable

Build = Callable[..., Any]


def key(name: str, weight: float = 1.0, *models: str) -> Key:
    """A key with options."""
    return Key(Secret(f"sk-{name}"), name, weight, models)


def drawn(one: Any, target: str = "vendor/m") -> str:
    """The key of a new request."""
    name: str = one.attempt(one.request(target))
    return name


async def test_weights_hold_on_every_draw(bench: Build) -> None:
    """Three to one over the whole range of chance, the first time and from then on; a reserve is not drawn."""
    times: list[Counter[str]] = [Counter(), Counter()]
    for step in range(100):
        one = await bench(key("a", 3), key("spare", 0), key("b", 1), chance=step / 100)
        for counter in times:
            counter[drawn(one)] += 1
    assert times == [{"a": 75, "b": 25}] * 2


async def test_keys_of_one_weight_share_alike(bench: Build) -> None:
    """Also when that weight is nothing."""
    for weight in (1.0, 5.0, 0.0):
        counter: Counter[str] = Counter()
        for step in range(90):
            one = await bench(*(key(name, weight) for name in "abc"), chance=step / 90)
            counter[drawn(one)] += 1
        assert counter == {"a": 30, "b": 30, "c": 30}


async def test_a_resting_key_is_not_drawn_though_it_was_laid_out(bench: Build, clock: Any) -> None:
    """Not while it rests, not by requests in flight; again when it wakes, and after it has worked."""
    one = await bench("a", "b")
    flying = one.request()
    assert [drawn(one), drawn(one), one.attempt(flying)] == ["a", "a", "a"]
    one.fail(flying, 429, retry_after=20)
    assert [drawn(one), one.attempt(flying)] == ["b", "b"]
    clock.now += 20
    request = one.request()
    assert one.attempt(request) == "a"
    request.attempt.result = AttemptClass.OK
    one.plugin.llmgate_attempt_done(request, request.attempt)
    assert not one.plugin._ring.pauses
    assert drawn(one) == "a"
    assert one.attempt(flying) == "b", "the request itself has tried the other one"


async def test_each_model_has_its_own_lots_where_keys_have_patterns(bench: Build) -> None:
    """In any order, again and again."""
    one = await bench(key("big", 1, "big*"), key("any"), key("small", 1, "small*"), chance=0.0)
    wanted = {"vendor/big-1": "big", "vendor/small-1": "any", "vendor/x": "any", "vendor/big-2": "big"}
    for _ in range(3):
        assert {target: drawn(one, target) for target in wanted} == wanted


async def test_a_model_without_a_key_has_none_however_often_it_is_asked_for(bench: Build) -> None:
    """And leaves nothing behind."""
    one = await bench(key("big", 1, "big*"))
    for _ in range(3):
        with pytest.raises(NoKeyAvailable):
            drawn(one, "vendor/other")
    assert not one.plugin._lots_by_model


async def test_lots_do_not_pile_up(bench: Build) -> None:
    """Clients make names of models up."""
    plain = await bench("a", "b")
    patterned = await bench(key("a", 1, "m*"), key("b"))
    for number in range(3000):
        assert drawn(plain, f"vendor/m{number}") == drawn(patterned, f"vendor/m{number}") == "a"
    assert len(plain.plugin._lots) == 1
    assert not plain.plugin._lots_by_model
    assert len(patterned.plugin._lots_by_model) <= 1024


async def test_other_keys_of_a_provider_are_drawn_at_once(bench: Build) -> None:
    """Lots of keys that the provider no longer has are old; with patterns and without."""
    one = await bench("a")
    for name, patterns in (("a", ()), ("b", ()), ("c", ("m*",)), ("d", ("m*",)), ("e", ())):
        one.provider.keys = (key(name, 1, *patterns),)
        assert [drawn(one), drawn(one)] == [name, name]


async def test_providers_and_gateways_have_their_own(bench: Build) -> None:
    """A provider's keys are nobody else's, whatever else is called the same."""
    one, two = await bench("a"), await bench("b")
    assert [drawn(one), drawn(two), drawn(one)] == ["a", "b", "a"]
    other = type(one.provider)("other", key("c"))
    request = one.request("other/m")
    request.attempts.append(Attempt(1, Target("other", "m"), other, 100.0))
    assert one.plugin.llmgate_select_key(request, Target("other", "m")).name == "c"
    assert drawn(one) == "a"


async def test_a_limit_of_long_ago_leaves_nothing_behind(bench: Build, clock: Any) -> None:
    """Nobody asks for that model any more; but as long as the rest could still grow, it is remembered."""
    one = await bench("a", "b", max_cool_down=60)
    request = one.request("vendor/once")
    one.attempt(request)
    one.fail(request, 429, retry_after=20)
    clock.now += 79
    assert drawn(one) == "a"
    assert one.plugin._ring.pauses
    clock.now += 61
    assert drawn(one) == "a"
    assert not one.plugin._ring.pauses
