"""How slow a client may be, on either lane."""

from __future__ import annotations

from typing import Final

HEAD_SECONDS: Final = 10.0
"""From the first byte of a request to the end of its head, and from connecting to the first byte."""
IDLE_SECONDS: Final = 75.0
"""Between two requests."""
STUCK_SECONDS: Final = 60.0
"""How long a client may refuse to read before its request is given up."""
SLOWEST_BODY: Final = 1024
"""Bytes a second that a body must come with, once its time of grace is over."""
TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n"
    b'content-length: 122\r\n\r\n{"error":{"message":"the request did not come in time; send it without pauses",'
    b'"type":"timeout","code":"request_timeout"}}'
)
