"""What must not be shown is not, and what may be is."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from attrs import define, field

from llmgate_cli.masking import MASK, MaskingFormatter, mask_text, masked
from llmgate_core import KeyConfig, Secret


@define
class Nested:
    """A part of a plugin's config."""

    password: str = "hunter2"
    token: Secret = field(factory=lambda: Secret("t0ken", "file /run/token"))


@define
class Everything:
    """A config with every place a secret can be in."""

    keys: list[KeyConfig]
    nested: Nested
    headers: dict[str, str]
    base_url: str
    models: list[str]
    where: Path
    limit: float | None = None


def test_secrets_are_masked_wherever_they_stand() -> None:
    """Types, names and looks give a secret away; sources, models and numbers stay."""
    config = Everything(
        keys=[
            KeyConfig(Secret("sk-literal"), name="first", weight=2.0),
            KeyConfig(Secret("x", "env A_KEY"), models=["small-*"]),
        ],
        nested=Nested(),
        headers={"authorization": "Bearer abc", "x-api-key": "abc", "x-trace": "sk-proj-abcdef12", "x-team": "red"},
        base_url="https://user:pass@host.example/v1?api_key=abc&x=1",
        models=["a/large-4-5-20250929"],
        where=Path("/run/secrets/key"),
    )
    assert masked(config) == {
        "keys": [
            {"value": MASK, "name": "first", "weight": 2.0, "models": []},
            {"env": "A_KEY", "name": None, "weight": 1.0, "models": ["small-*"]},
        ],
        "nested": {"password": MASK, "token": {"file": "/run/token"}},
        "headers": {"authorization": MASK, "x-api-key": MASK, "x-trace": MASK, "x-team": "red"},
        "base_url": f"https://{MASK}@host.example/v1?api_key={MASK}&x=1",
        "models": ["a/large-4-5-20250929"],
        "where": "/run/secrets/key",
        "limit": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "the environment variable AZURE_OPENAI_API_KEY_2 is not set",
        "plugin 'key_rotation' (llmgate-key-rotation 0.1.0)",
        "meta-llama/Llama-3.1-70B-Instruct-Turbo",
        "plugins.auth.keys[0].name: is missing",
        "listening on http://127.0.0.1:8080",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
    ],
)
def test_names_are_no_secrets(text: str) -> None:
    """Messages stay readable."""
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "secret",
    ["sk-ant-api03-abcdef", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "AKIAIOSFODNN7EXAMPLE", "0f" * 32],
)
def test_keys_are_known_by_their_looks(secret: str) -> None:
    """The common shapes of keys do not survive in a text, nor inside quotes or brackets."""
    for text in (secret, f"said '{secret}'", f'{{"key": "{secret}"}}', f"Bearer {secret}"):
        assert secret not in mask_text(text)


def test_log_is_masked_with_its_traceback() -> None:
    """An exception whose text holds a key is logged without it."""
    try:
        raise ValueError("Incorrect API key provided: sk-abcdef123456")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", 40, "", 0, "%s", ("it failed",), sys.exc_info())
    text = MaskingFormatter("%(message)s").format(record)
    assert "it failed" in text
    assert "Traceback" in text
    assert "sk-abcdef123456" not in text
