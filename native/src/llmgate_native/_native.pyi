from collections.abc import Callable
from typing import Any

def split_large(body: bytes, raw: Callable[[memoryview], Any], /) -> dict[str, Any] | None: ...
