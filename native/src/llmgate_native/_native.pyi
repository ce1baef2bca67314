from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, final

# Each type is the twin of what has its name in llmgate_core.wire, and is described there.

# A JSON object → {name: raw(value's bytes)}: views of the body, or copies of short ones. All of the document is judged
# (RFC 8259, UTF-8). None for whatever is unusual: that need not be wrong, but somebody else has to judge it.
def split_fields(body: bytes, raw: Callable[[bytes | memoryview], Any], /) -> dict[str, Any] | None: ...

# Writes a whole answer. False, and nothing written, when its head needs a second look, which is Python's.
# ConnectionResetError when the client has left.
def answer(
    transport: Any,
    outbox: Outbox,
    status_line: str,
    headers: dict[str, str],
    header_of_id: str,
    request_id: str,
    closes: bool,
    date_and_server: str,
    body: bytes,
    /,
) -> bool: ...

# For the whole process: up to so many bytes that are free are kept instead of given back to the system (glibc only).
def keep_freed_memory(size: int, /) -> None: ...

@final
class Outbox:
    def __init__(self, loop: AbstractEventLoop, give_up: Callable[[Any, BaseException], None], /) -> None: ...
    def write(self, transport: Any, data: bytes, /) -> None: ...
    def flush(self) -> None: ...

# The values of a head's headers: bytes, made when somebody looks.
@final
class Spans:
    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> bytes: ...

# Does what the pattern of a KnownAnswer does; ``lines`` are a KnownAnswer's.
@final
class AnswerHead:
    def __init__(
        self,
        shape: Any,
        lines: tuple[tuple[bytes, bytes | bool | None], ...],
        make: Callable[[Any, Sequence[bytes]], Any],
        /,
    ) -> None: ...
    # (headers, where the body begins, its length), None when this is another head
    def match(self, data: bytes, /) -> tuple[Any, int, int] | None: ...

class QuickConnection:
    transport: Any
    failed: Any
    status: int
    headers: Any
    complete: bool
    keep: bool
    got_bytes: bool
    lost: bool
    reused: bool
    born: float
    idle_since: float
    def __init__(self, loop: AbstractEventLoop, shapes: Any, outbox: Any, nothing: Any, /) -> None: ...
    @property
    def body(self) -> list[bytes]: ...
    def data_received(self, data: bytes, /) -> None: ...
    def ask(self, text: bytes, body: bytes, due: float, /) -> Future[None] | Wait: ...
    def wait(self, due: float, /) -> Future[None] | Wait: ...
    def overdue(self, now: float, /) -> None: ...
    def take(self) -> bytes: ...
    def take_whole(self, limit: int, /) -> bytes | None: ...

class QuickPool:
    def __init__(self, waiters: deque[Future[None]], now: float, most_idle: float, most_age: float, /) -> None: ...
    def pick(self) -> Any: ...
    def give_back(self, connection: QuickConnection, /) -> None: ...

class QuickUpstream:
    def __init__(self, heads: dict[int, Any], reply: Callable[..., Any], /) -> None: ...
    def send(self, request: Any, timeouts: Any, deadline: float, /) -> Sending: ...

# What ``send`` gives: the head of the answer, to whoever awaits it.
@final
class Sending:
    def __await__(self) -> Generator[Any, None, Any]: ...
    def send(self, value: None, /) -> Any: ...
    def throw(self, error: Any, /, *more: Any) -> Any: ...
    def close(self) -> None: ...

class QuickRequests:
    closing: bool
    since: float
    def __init__(self, lane: Any, /) -> None: ...
    def data_received(self, data: bytes, /) -> None: ...

# What a request that is stepped by a Drive waits on: to whoever ends the wait it looks like a future.
@final
class Wait:
    def __await__(self) -> Generator[Any]: ...
    def done(self) -> bool: ...
    def set_result(self, result: None, /) -> None: ...
    def set_exception(self, error: BaseException, /) -> None: ...

# A request's coroutine, stepped without an asyncio task; QuickRequests makes it. Called when a future is done.
@final
class Drive:
    def __call__(self, *future: Any) -> None: ...
    def cancel(self) -> bool: ...

# Lines of JSON made of rows by a shape; the Python beside it is its caller's. Value 0 is the row, and each of ``reads`` makes the
# next: (of which value, its attribute or a tuple's item). ``puts``: (kind, text before it, values); lines.c has the kinds. With
# "given" there is no text, but how many of the next are left out where the value is None. ``names``: how known names are shown.
@final
class JsonLines:
    def __new__(
        cls,
        reads: tuple[tuple[int, str | int], ...],
        puts: tuple[tuple[str, bytes | int, tuple[int, ...]], ...],
        names: dict[str, str],
        /,
    ) -> JsonLines: ...
    # the line with its end, None when something in the row is unusual
    def line(self, row: tuple[Any, ...], /) -> bytes | None: ...
