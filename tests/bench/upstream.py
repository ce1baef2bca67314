"""The mock upstream: nginx with a fixed answer, much faster than what is measured."""

from __future__ import annotations

import json
from pathlib import Path

from .processes import HOST, Program, find, free_port

ANSWER = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1735689600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "It is some sixty words long. " * 8},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 71, "completion_tokens": 60, "total_tokens": 131},
        "system_fingerprint": "fp_bench",
    }
)

CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    client_max_body_size 16m;
    client_body_buffer_size 256k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} backlog=4096;
        default_type application/json;
        location / {{ return 200 '{answer}'; }}
    }}
}}
"""


class Upstream:
    """A running mock upstream. `port` speaks HTTP."""

    def __init__(self, folder: Path, core: int | None) -> None:
        self.port = free_port()
        file = folder / "nginx.conf"
        file.write_text(CONFIG.format(folder=folder, host=HOST, port=self.port, answer=ANSWER))
        command = [find("nginx") or "nginx", "-p", folder, "-c", file, "-e", "stderr"]
        self._nginx = Program("nginx", command, folder / "nginx.log", self.port, core=core)

    def stop(self) -> None:
        """End it."""
        self._nginx.stop()
