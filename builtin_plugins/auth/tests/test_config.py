"""What a config of keys may say."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from llmgate_auth import AuthConfig
from llmgate_core.strict import MistakesFound, structure

KEY = "k-7f3a9b2c5d8e1f04"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()


def read(**section: Any) -> AuthConfig:
    """The section as the loader structures it."""
    return structure(section, AuthConfig, "plugins.auth", {"APP_KEY": KEY})


def mistakes(**section: Any) -> str:
    """What is wrong with the section."""
    with pytest.raises(MistakesFound) as caught:
        read(**section)
    return str(caught.value)


@pytest.mark.parametrize(
    "entry", [{"key": KEY}, {"key": {"env": "APP_KEY"}}, {"sha256": HASHED}, {"sha256": HASHED.upper()}]
)
def test_key_is_given_plainly_by_reference_or_hashed(entry: dict[str, Any]) -> None:
    """Every way to give a key leads to the same digest."""
    (key,) = read(keys=[{"name": "app", **entry}]).keys
    assert key.digest.hex() == HASHED


def test_key_may_come_from_a_file(tmp_path: Any) -> None:
    """The line end of a file is no part of the key."""
    (tmp_path / "key").write_text(KEY + "\n")
    (key,) = read(keys=[{"name": "app", "key": {"file": str(tmp_path / "key")}}]).keys
    assert key.digest.hex() == HASHED


def test_config_is_printed_without_keys() -> None:
    """A config in a log or a traceback shows no key."""
    assert KEY not in repr(read(keys=[{"name": "app", "key": KEY}]))


@pytest.mark.parametrize("enabled", ["auto", True, False])
def test_enabled_is_auto_or_a_switch(enabled: object) -> None:
    """All three positions are understood."""
    assert read(enabled=enabled, keys=[{"name": "app", "key": KEY}]).enabled == enabled


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"enabled": "on"}, "auto"),
        ({"enabled": True}, "needs keys"),
        ({"headers": []}, "header names"),
        ({"headers": ["a b"]}, "header names"),
        ({"keys": [{"name": "app"}]}, "exactly one"),
        ({"keys": [{"name": "app", "key": KEY, "sha256": HASHED}]}, "exactly one"),
        ({"keys": [{"name": "", "key": KEY}]}, "printable"),
        ({"keys": [{"name": "a\nb", "key": KEY}]}, "printable"),
        ({"keys": [{"name": "app", "sha256": HASHED[:-1]}]}, "64 hex digits"),
        ({"keys": [{"name": "app", "key": KEY + ",x"}]}, "comma"),
        ({"keys": [{"name": "app", "key": {"env": "NO_SUCH"}}]}, "NO_SUCH"),
        ({"keys": [{"name": "app", "key": KEY, "model": ["x"]}]}, "did you mean 'models'"),
        ({"keys": [{"name": "a", "key": KEY}, {"name": "b", "sha256": HASHED}]}, "'a' and 'b' are the same"),
    ],
)
def test_mistake_is_told_without_the_key(section: dict[str, Any], told: str) -> None:
    """Each mistake says what is wrong, and shows no key."""
    text = mistakes(**section)
    assert told in text
    assert KEY not in text


@pytest.mark.parametrize(
    "key", ["changeme", "ChangeMe", "sk-1234", "sk-changeme", "password", "xxxxxxxxxxxxxxxxxxxx", "sk-xxxxxxxxxxxx"]
)
def test_key_out_of_a_manual_is_refused(key: str) -> None:
    """A key that anybody would try is no key, given plainly or hashed."""
    assert "anybody would try" in mistakes(keys=[{"name": "app", "key": key}])


def test_sample_key_is_known_by_its_digest() -> None:
    """Hashing a sample key does not hide it."""
    hashed = hashlib.sha256(b"sk-1234").hexdigest()
    assert "anybody would try" in mistakes(keys=[{"name": "app", "sha256": hashed}])


def test_two_keys_may_share_a_name() -> None:
    """A key is replaced without a gap: for a while the caller has two."""
    assert len(read(keys=[{"name": "app", "key": KEY}, {"name": "app", "key": KEY + "2"}]).keys) == 2
