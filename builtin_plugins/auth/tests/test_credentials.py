"""Where a key is looked for, and which requests carry none or too many."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmgate_auth.config import USUAL_HEADERS
from llmgate_auth.credentials import CredentialReader, digest_of
from llmgate_core.errors import AuthenticationFailed, InvalidRequest

KEY = "k-7f3a9b2c5d8e1f04"


@pytest.fixture
def reader() -> CredentialReader:
    """Reads the usual headers."""
    return CredentialReader(USUAL_HEADERS)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"x-api-key": KEY},
        {"api-key": KEY},
        {"x-goog-api-key": KEY},
        {"authorization": f"Bearer {KEY}", "x-api-key": KEY},
        {"authorization": "", "x-api-key": KEY},
    ],
)
def test_key_is_found_where_each_sdk_sends_it(reader: CredentialReader, headers: dict[str, str]) -> None:
    """Every usual header carries a key, and the same key twice is one key."""
    assert reader.read(headers) == KEY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer  {KEY}"},
        {"authorization": f"Bearer {KEY} "},
        {"authorization": f"Basic {KEY}"},
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}", "x-api-key": KEY},
        {"x-api-key": ""},
        {"cookie": KEY},
    ],
)
def test_no_key_in_a_known_form_is_401_with_a_challenge(reader: CredentialReader, headers: dict[str, str]) -> None:
    """Missing, empty, another scheme, two spaces: 401, with how to authenticate, without the key."""
    with pytest.raises(AuthenticationFailed) as caught:
        reader.read(headers)
    assert caught.value.status == 401
    assert caught.value.headers == {"www-authenticate": "Bearer"}
    assert "Bearer <key>" in caught.value.message
    assert KEY not in caught.value.message


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}, Bearer {KEY}"},
        {"authorization": f"Bearer {KEY},Bearer other"},
        {"x-api-key": f"{KEY}, {KEY}"},
        {"authorization": f"Bearer {KEY}", "x-api-key": "another"},
        {"x-api-key": KEY, "api-key": KEY + "x"},
    ],
)
def test_two_keys_are_400(reader: CredentialReader, headers: dict[str, str]) -> None:
    """A header sent twice, or two headers that differ: no choice is made between them."""
    with pytest.raises(InvalidRequest) as caught:
        reader.read(headers)
    assert caught.value.status == 400
    assert caught.value.code == "ambiguous_credentials"
    assert KEY not in caught.value.message


def test_only_listed_headers_count() -> None:
    """A header that the config does not list neither opens nor closes the door."""
    reader = CredentialReader(["X-Team-Key"])
    assert reader.read({"x-team-key": KEY, "authorization": "Bearer other"}) == KEY
    with pytest.raises(AuthenticationFailed, match="x-team-key: <key>"):
        reader.read({"authorization": f"Bearer {KEY}"})


def test_digest_is_that_of_the_keys_bytes() -> None:
    """An ASCII key has the digest that sha256sum prints."""
    assert digest_of(KEY).hex() == hashlib.sha256(KEY.encode()).hexdigest()


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_every_string_has_a_digest_of_its_own(one: str, other: str) -> None:
    """No header value makes the digest fail, lone surrogates included, and two keys never meet."""
    assert (digest_of(one) == digest_of(other)) is (one == other)
    assert len(digest_of("\udcff\ud800" + one)) == 32
