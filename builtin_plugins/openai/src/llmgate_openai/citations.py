"""Sources of what the model says: this wire has links (``url_citation``) with their place in the text.

Other dialects hang citations on a block of text. Those with a URL become annotations; others (a page of a document the
client sent) are given as they came, in the message's extension field ``citations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def link_up(citations: Sequence[Any], start: int, end: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Annotations, and the citations that cannot be one, of a text that stands from ``start`` to ``end``."""
    links: list[dict[str, Any]] = []
    others: list[Any] = []
    for citation in citations:
        if isinstance(citation, Mapping) and isinstance(citation.get("url"), str):
            title = citation.get("title")
            link = {
                "start_index": start,
                "end_index": end,
                "url": citation["url"],
                "title": title if isinstance(title, str) else "",
            }
            links.append({"type": "url_citation", "url_citation": link})
        else:
            others.append(citation)
    return links, others
