"""CPU time of one request: serves with the standard set, asks the echo provider over kept-alive connections, and divides.

Run it with `make bench`, or `make bench ARGS="--requests 50000 --stream"`. Ratios between two runs on one quiet machine
mean something; absolute numbers of two machines do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

LLMGATE = Path(sys.executable).parent / "llmgate"
WARM_UP = 500


def request(*, stream: bool) -> bytes:
    """A chat request of some 300 bytes, as it goes over the wire."""
    message = {"role": "user", "content": "Say it again. " * 18}
    body = json.dumps({"model": "echo/echo", "stream": stream, "messages": [message]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> None:
    """One whole answer, of a known length or chunked. Exits when it is not a 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        sys.exit(f"the gateway answered {head.decode(errors='replace')}")
    if b"transfer-encoding: chunked" in head:
        while (size := int((await reader.readline()).partition(b";")[0], 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


async def client(port: int, payload: bytes, times: int) -> None:
    """Ask one after another on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(times):
        writer.write(payload)
        await read_answer(reader)
    writer.close()
    await writer.wait_closed()


async def load(port: int, payload: bytes, requests: int, connections: int) -> None:
    """Share the requests among the connections."""
    await asyncio.gather(*(client(port, payload, -(-requests // connections)) for _ in range(connections)))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the port answers; exit when the process has ended instead."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            sys.exit(f"llmgate serve ended with {process.returncode}; its message is above")
        time.sleep(0.05)
    sys.exit(f"llmgate serve is not listening on port {port} after 10 s")


def main() -> None:
    """Serve, warm up, measure, print one line."""
    parser = argparse.ArgumentParser(description="measure the CPU time of one request")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--stream", action="store_true")
    options = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        sys.exit("this benchmark reads a process's CPU time from /proc, which this system does not have")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    payload = request(stream=options.stream)
    process = subprocess.Popen([LLMGATE, "serve", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_until_listening(port, process)
        asyncio.run(load(port, payload, WARM_UP, options.connections))
        before, began = cpu_seconds(process.pid), time.perf_counter()
        asyncio.run(load(port, payload, options.requests, options.connections))
        spent, took = cpu_seconds(process.pid) - before, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    kind = "streamed" if options.stream else "unary"
    each, rate = spent / options.requests * 1e6, options.requests / took
    print(f"{options.requests} {kind} requests: {each:.0f} µs of CPU each, {rate:.0f} per second")


if __name__ == "__main__":
    main()
