"""wrk's reports are read right, and its scripts say what was meant."""

from __future__ import annotations

import re

import pytest

from tests.bench.processes import Failed
from tests.bench.wrk import parse, script

REPORT = """\
Running 2s test @ http://127.0.0.1:41233/v1/chat/completions
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.41ms    2.66ms  47.60ms   95.71%
    Req/Sec    31.92k     5.38k   38.62k    85.00%
  Latency Distribution
     50%  842.00us
     75%    1.19ms
     90%    2.18ms
     99%    1.09s 
  63561 requests in 2.10s, 53.22MB read
Requests/sec:  30266.51
Transfer/sec:     25.34MB
"""  # noqa: W291  # wrk does pad its units


def test_a_report_is_read() -> None:
    """Requests, their time, and percentiles in whichever unit wrk chose."""
    load = parse(REPORT)
    assert (load.requests, load.seconds, load.failed) == (63561, 2.10, 0)
    assert [load.p50, load.p99] == pytest.approx([0.000842, 1.09])


def test_every_kind_of_failure_counts() -> None:
    """Answers that are not 2xx and all four kinds of socket errors are added up."""
    more = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 500\n"
    assert parse(REPORT.replace("Requests/sec", more + "Requests/sec")).failed == 510


def test_what_is_no_report_is_shown() -> None:
    """When wrk says something else, that text is in the error."""
    with pytest.raises(Failed, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused")


def test_a_script_carries_any_byte() -> None:
    """Quotes, backslashes, line ends and bytes beyond ASCII reach Lua as they are: each as itself or as a decimal escape."""
    body = b'{"a": "\\n\xc3\xa9"}\n'
    text = re.search(r'^wrk\.body = "(.*)"$', script({"x-name": "value"}, body), re.MULTILINE)
    assert text is not None
    assert re.sub(r"\\(\d{3})", lambda found: chr(int(found[1])), text[1]).encode("latin-1") == body


def test_a_script_sets_the_headers() -> None:
    """One line for each header."""
    assert 'wrk.headers["x-name"] = "value"' in script({"x-name": "value"}, b"")
