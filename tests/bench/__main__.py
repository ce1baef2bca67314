"""`make bench`: CPU time of one request through llmgate and through HAProxy, on this machine, in the same run."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from . import wrk
from .haproxy import HAProxy
from .llmgate import CLIENT_KEY, LLMGate
from .measure import cpu_seconds, pss_bytes
from .processes import HOST, Failed, missing_packages
from .upstream import Upstream


def body() -> bytes:
    return json.dumps(
        {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Say it again. " * 18}]}
    ).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    if missing := missing_packages():
        sys.exit(f"make bench needs programs that are not installed: apt-get install {' '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="llmgate-bench-") as scratch:
        folder = Path(scratch)
        upstream = Upstream(folder, 1)
        lua = folder / "unary.lua"
        lua.write_text(
            wrk.script({"content-type": "application/json", "authorization": f"Bearer {CLIENT_KEY}"}, body())
        )
        gateways: dict[str, HAProxy | LLMGate] = {
            "haproxy": HAProxy(folder, 0, upstream.port),
            "llmgate": LLMGate(folder, 0, upstream.port),
        }
        each: dict[str, list[float]] = {name: [] for name in gateways}
        try:
            for number in range(options.rounds):
                for name, gateway in gateways.items():
                    url = f"http://{HOST}:{gateway.port}/v1/chat/completions"
                    wrk.run(url, lua, 32, 1, 1)
                    before = cpu_seconds(gateway.program.pid)
                    load = wrk.run(url, lua, 32, options.seconds, 1)
                    spent = cpu_seconds(gateway.program.pid) - before
                    each[name].append(spent / load.requests * 1e6)
                    print(
                        f"round {number + 1} {name:8} {each[name][-1]:6.1f} µs/request  {load.requests / load.seconds:8.0f}/s  "
                        f"p50 {load.p50 * 1e3:.2f} ms p99 {load.p99 * 1e3:.2f} ms  failed {load.failed}  "
                        f"busy {spent / load.seconds:.0%}  PSS {pss_bytes(gateway.program.pid) / 2**20:.0f} MB",
                        flush=True,
                    )
            ratios = [b / a for a, b in zip(each["haproxy"], each["llmgate"], strict=True)]
            print(f"ratio  min {min(ratios):.2f}  median {statistics.median(ratios):.2f}  max {max(ratios):.2f}")
        finally:
            upstream.stop()
            for gateway in gateways.values():
                gateway.program.stop()


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
