"""Translation cases: pictures and files."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from llmgate_core.messages import (
    Audio,
    Block,
    ChatRequest,
    File,
    Image,
    Message,
    Sampling,
    Source,
    Text,
    ToolCall,
    ToolResult,
)

PNG = "iVBORw0KGgo="


def chat(*blocks: Block) -> ChatRequest:
    """One user message of another dialect's request."""
    return ChatRequest("m", (Message("user", blocks),), sampling=Sampling(max_tokens=100), dialect="openai.chat")


def only(written: Any) -> dict[str, Any]:
    """The one block that was written, without a loss."""
    assert written.lost == ()
    (block,) = written.body["messages"][0]["content"]
    found: dict[str, Any] = block
    return found


def encoded(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source("url", "https://x.test/a.png"), {"type": "url", "url": "https://x.test/a.png"}),
        (Source("base64", PNG, "image/png"), {"type": "base64", "media_type": "image/png", "data": PNG}),
        (Source("base64", PNG), {"type": "base64", "media_type": "image/png", "data": PNG}),
        (Source("base64", PNG, "image/jpg"), {"type": "base64", "media_type": "image/jpeg", "data": PNG}),
        (Source("url", f"data:image/gif;base64,{PNG}"), {"type": "base64", "media_type": "image/gif", "data": PNG}),
        (Source("file_id", "file_1"), {"type": "file", "file_id": "file_1"}),
    ],
)
def test_wt_029_images(write: Callable[..., Any], source: Source, expected: dict[str, Any]) -> None:
    """A URL is passed on for the provider to fetch; data keeps its type, or shows it."""
    assert only(write(chat(Image(source, detail="high")))) == {"type": "image", "source": expected}


def test_an_image_of_another_kind_is_a_loss(write: Callable[..., Any]) -> None:
    """The API takes four formats."""
    written = write(chat(Text("t"), Image(Source("base64", "Qk0=", "image/bmp"))))
    assert written.lost == ("messages[0]",)
    assert len(written.body["messages"][0]["content"]) == 1


def test_sound_is_a_loss(write: Callable[..., Any]) -> None:
    """There is no sound here; a turn of nothing else keeps its place."""
    written = write(chat(Audio(Source("base64", "AA==", "audio/wav"), "wav")))
    assert written.lost == ("messages[0]",)
    assert written.body["messages"][0]["role"] == "user"


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (
            Source("base64", "JVBERi0=", "application/pdf"),
            "a.pdf",
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        ),
        (
            Source("base64", "JVBERi0="),
            "A.PDF",
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        ),
        (
            Source("url", "data:application/pdf;base64,JVBERi0="),
            None,
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        ),
        (
            Source("base64", encoded("grüß"), "text/plain"),
            "a.txt",
            {"type": "text", "media_type": "text/plain", "data": "grüß"},
        ),
        (
            Source("base64", encoded("a,b"), "text/csv"),
            None,
            {"type": "text", "media_type": "text/plain", "data": "a,b"},
        ),
        (Source("text", "words"), None, {"type": "text", "media_type": "text/plain", "data": "words"}),
        (Source("url", "https://x.test/a.pdf"), None, {"type": "url", "url": "https://x.test/a.pdf"}),
        (Source("file_id", "file_1"), None, {"type": "file", "file_id": "file_1"}),
    ],
)
def test_wt_031_files(write: Callable[..., Any], source: Source, name: str | None, expected: dict[str, Any]) -> None:
    """PDF stays base64, text becomes text, references stay references; the name is the title."""
    document = {"type": "document", "source": expected}
    assert only(write(chat(File(source, name)))) == (document if name is None else {**document, "title": name})


@pytest.mark.parametrize("data", [Source("base64", "UEs=", "application/zip"), Source("base64", "/w==", "text/plain")])
def test_wt_031_other_files_are_a_loss(write: Callable[..., Any], data: Source) -> None:
    """A zip, or text that is no text, is refused with its place."""
    assert write(chat(Text("t"), File(data))).lost == ("messages[0]",)


def test_files_by_id_ask_for_their_beta(write: Callable[..., Any]) -> None:
    """The flag is added where a file is named, also within a tool's result."""
    by_id = Image(Source("file_id", "file_1"))
    assert write(chat(by_id)).wire.headers["anthropic-beta"] == "files-api-2025-04-14"
    calls = Message("assistant", (ToolCall("1", "f", "{}"),))
    answer = Message("tool", (ToolResult("1", (by_id,)),))
    deep = ChatRequest("m", (Message("user", (Text("u"),)), calls, answer), dialect="openai.chat")
    assert write(deep).wire.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert "anthropic-beta" not in write(chat(Text("t"))).wire.headers


def test_cache_marks_stay_where_they_are(write: Callable[..., Any]) -> None:
    """On every kind of block that can have one."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    blocks = (
        Text("t", cache_control=mark),
        Image(Source("url", "https://x.test/a"), cache_control=mark),
        File(Source("text", "w"), cache_control=mark),
    )
    written = write(chat(*blocks)).body["messages"][0]["content"]
    assert [block["cache_control"] for block in written] == [mark] * 3
