"""HAProxy as a plain reverse proxy: what moving the bytes costs at least."""

from __future__ import annotations

import re
import subprocess

from .contestants import Address, Scene
from .processes import HOST, Program, find, free_port
from .workloads import Kind

CONFIG = """\
global
    nbthread 1
    maxconn 4096
{more}defaults
    mode http
    option http-keep-alive
    option http-no-delay
    http-reuse always
    timeout connect 10s
    timeout client 600s
    timeout server 600s
"""
LISTEN = """\
listen {kind}
    bind {host}:{port}
    server mock {host}:{upstream}{options}
"""


class HAProxy:
    """One thread, keep-alive on both sides, no log, no rule. Each face of the upstream has a port of its own."""

    name = "haproxy"
    most_connections = 4096

    def __init__(self, scene: Scene, *, busy_polling: bool = False) -> None:
        if busy_polling:
            self.name = "haproxy, busy-polling"
        self._ports: dict[Kind, int] = {kind: free_port() for kind in scene.upstream.ports}
        text = CONFIG.format(more="    busy-polling\n" if busy_polling else "")
        for kind, upstream in scene.upstream.ports.items():
            options = f" ssl verify required ca-file {scene.upstream.authority}" if kind == "tls" else ""
            text += LISTEN.format(kind=kind, host=HOST, port=self._ports[kind], upstream=upstream, options=options)
        file = scene.folder / f"haproxy-{self._ports['plain']}.cfg"
        file.write_text(text)
        program = find("haproxy") or "haproxy"
        log = file.with_suffix(".log")
        self._program = Program(
            self.name, [program, "-db", "-f", file], log, self._ports["plain"], core=scene.gateway_core
        )
        self.pid = self._program.pid
        self.start_seconds = self._program.start_seconds
        shown = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"version (\S+)", shown)
        self.version = found[1] if found else ""

    def address(self, kind: Kind) -> Address:
        """Its port for this face."""
        return Address(self._ports[kind], "gpt-4o-mini", {})

    def stop(self) -> None:
        """End it."""
        self._program.stop()
