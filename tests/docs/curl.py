"""As much of curl as the pages use, so that a machine without it can test them."""

from __future__ import annotations

import argparse
import http.client
from collections.abc import Sequence
from urllib.parse import urlsplit

SECONDS = 20.0


def curl(arguments: Sequence[str]) -> str:
    """What ``curl ARGUMENTS`` prints. Raises SystemExit for an option that is not among these."""
    parser = argparse.ArgumentParser("curl", add_help=False)
    parser.add_argument("url")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-i", dest="include", action="store_true")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-N", action="store_true")
    options = parser.parse_args(arguments)
    url = urlsplit(options.url)
    headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in options.headers)}
    connection = http.client.HTTPConnection(url.netloc, timeout=SECONDS)
    try:
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        connection.request("GET" if options.data is None else "POST", path, options.data, headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        head = [
            f"HTTP/1.1 {answer.status} {answer.reason}",
            *(f"{name}: {value}" for name, value in answer.getheaders()),
        ]
    finally:
        connection.close()
    return "\n".join([*head, "", body]) if options.include else body
