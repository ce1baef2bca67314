"""Compressed answers of providers that ignore ``accept-encoding: identity``: decoded, within bounds."""

from __future__ import annotations

import zlib
from typing import Final

from ..upstream_errors import UpstreamBadResponse

_LIMIT: Final = 64 * 1024 * 1024


class Inflater:
    """Incremental gzip or deflate. Stops at 64 MiB decoded: a small body must not become a large one."""

    def __init__(self, encoding: str) -> None:
        if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
            raise UpstreamBadResponse(
                f"the provider compressed its answer with {encoding[:40]!r}, which was not asked for"
            )
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes, maybe none yet. Raises :class:`UpstreamBadResponse`."""
        try:
            decoded = self._inflate.decompress(data, _LIMIT - self._size + 1)
        except zlib.error:
            raise UpstreamBadResponse("the provider's compressed answer is damaged") from None
        self._size += len(decoded)
        if self._size > _LIMIT:
            raise UpstreamBadResponse(f"the provider's compressed answer is larger than {_LIMIT} bytes")
        return decoded

    def end(self) -> bytes:
        """After the last byte. Raises :class:`UpstreamBadResponse` when something is missing."""
        if not self._inflate.eof or self._inflate.unused_data:
            raise UpstreamBadResponse("the provider's compressed answer is incomplete")
        return b""
