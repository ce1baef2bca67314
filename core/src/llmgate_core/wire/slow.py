"""How slow a client may be, on either lane."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class SlowLimits:
    """Seconds, and bytes a second.

    ``head``: from the first byte of a request to the end of its head, and from connecting to the first byte. ``idle``:
    between two requests. ``stuck``: how long a client may refuse to read before it is given up. ``body_rate``: what a body
    must come with once its time of grace (``[gateway] body_timeout``) is over. ``tick``: how often all this is looked at.
    """

    head: float = 10.0
    idle: float = 75.0
    stuck: float = 60.0
    body_rate: int = 1024
    tick: float = 1.0


TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"
    b'content-length: 122\r\n\r\n{"error":{"message":"the request did not come in time; send it without pauses",'
    b'"type":"timeout","code":"request_timeout"}}'
)
