from collections.abc import Callable
from typing import Any

# A JSON object → {name: raw(value's bytes)}: views of the body, or copies of short ones. All of the document is judged
# (RFC 8259, UTF-8). None for whatever is unusual: that need not be wrong, but somebody else has to judge it.
def split_large(body: bytes, raw: Callable[[bytes | memoryview], Any], /) -> dict[str, Any] | None: ...
