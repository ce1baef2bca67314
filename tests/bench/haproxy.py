"""HAProxy as a plain reverse proxy: what moving the bytes costs at least."""

from __future__ import annotations

from pathlib import Path

from .processes import HOST, Program, find, free_port

CONFIG = """\
global
    nbthread 1
    maxconn 8192
defaults
    mode http
    option http-keep-alive
    option http-no-delay
    http-reuse always
    timeout connect 10s
    timeout client 300s
    timeout server 300s
frontend clients
    bind {host}:{port}
    default_backend upstream
backend upstream
    server mock {host}:{upstream}
"""


class HAProxy:
    """One thread, keep-alive on both sides, no log, no rule."""

    def __init__(self, folder: Path, core: int | None, upstream: int) -> None:
        self.port = free_port()
        file = folder / "haproxy.cfg"
        file.write_text(CONFIG.format(host=HOST, port=self.port, upstream=upstream))
        command = [find("haproxy") or "haproxy", "-db", "-f", file]
        self.program = Program("haproxy", command, folder / "haproxy.log", self.port, core=core)
