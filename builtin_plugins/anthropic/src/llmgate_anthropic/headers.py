"""The dialect's own request headers: the API's version, and the flags of features in beta."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

VERSION_HEADER: Final = "anthropic-version"
BETA_HEADER: Final = "anthropic-beta"
OWN_HEADERS: Final = (VERSION_HEADER, BETA_HEADER)
DEFAULT_VERSION: Final = "2023-06-01"
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mcp_servers": "mcp-client-2025-11-20",
        "context_management": "context-management-2025-06-27",
        "compaction": "compact-2026-09-04",
        "thread": "message-threads-2026-08-12",
    }
)
_FILES: Final = "files-api-2025-04-14"
_FAST: Final = "fast-mode-2026-02-01"
_TASK_BUDGET: Final = "task-budgets-2026-03-13"


def needed_betas(body: Mapping[str, Any]) -> list[str]:
    """The flags without which the API refuses ``body``, in a fixed order."""
    flags = [flag for name, flag in _FIELDS.items() if name in body]
    if body.get("speed") == "fast":
        flags.append(_FAST)
    config = body.get("output_config")
    if isinstance(config, Mapping) and "task_budget" in config:
        flags.append(_TASK_BUDGET)
    if any(_has_file(turn["content"]) for turn in body["messages"]):
        flags.append(_FILES)
    return flags


def _has_file(content: Any) -> bool:
    """Whether a file is named in it. A block that is carried whole may hold anything: what is no block is no file."""
    if not isinstance(content, list):
        return False
    for block in content:
        if not isinstance(block, Mapping):
            continue
        source = block.get("source")
        if (isinstance(source, Mapping) and source.get("type") == "file") or _has_file(block.get("content")):
            return True
    return False


def merged_betas(*lists: str) -> str:
    """Comma lists of flags as one, each flag once, in the order they came."""
    flags = [flag.strip() for text in lists for flag in text.split(",")]
    return ",".join(dict.fromkeys(flag for flag in flags if flag))


def written_headers(body: Mapping[str, Any], client: Mapping[str, str]) -> dict[str, str]:
    """The headers for a written ``body``: the client's version and flags, where it has them, and the flags that it needs."""
    headers = {VERSION_HEADER: client.get(VERSION_HEADER) or DEFAULT_VERSION}
    betas = merged_betas(client.get(BETA_HEADER, ""), *needed_betas(body))
    if betas:
        headers[BETA_HEADER] = betas
    return headers
