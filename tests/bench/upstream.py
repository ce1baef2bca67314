"""The mock upstream: nginx with a fixed answer, over HTTP and TLS, and a server of our own for streams."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import trustme

from .processes import HOST, ROOT, Program, find, free_port
from .workloads import Kind

ANSWER: Final = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1735689600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "It is some sixty words long. " * 12},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 71, "completion_tokens": 60, "total_tokens": 131},
        "system_fingerprint": "fp_bench",
    }
)

# nginx refuses to POST to a file with 405, which is turned into the answer; `mirror` makes it read the whole body first
CONFIG: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_max_body_size 16m;
    client_body_buffer_size 256k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/json;
    server {{
        listen {host}:{plain} backlog=4096;
        listen {host}:{tls} ssl backlog=4096;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        root {folder};
        error_page 405 =200 @answer;
        location @answer {{ return 200 '{answer}'; }}
        location = /mirror {{ internal; return 204; }}
        location / {{ mirror /mirror; try_files /nginx.conf =404; }}
    }}
}}
"""


class Upstream:
    """A running mock upstream: `ports` by kind, and `authority`, the file with the certificate that signed its own."""

    def __init__(self, folder: Path, core: int | None, first_port: int = 0) -> None:
        kinds: tuple[Kind, ...] = ("plain", "tls", "streams")
        self.ports: Mapping[Kind, int] = {
            kind: first_port + number if first_port else free_port() for number, kind in enumerate(kinds)
        }
        self.authority = folder / "authority.pem"
        self._certify(folder)
        with ExitStack() as started:
            file = folder / "nginx.conf"
            file.write_text(CONFIG.format(folder=folder, host=HOST, answer=ANSWER, **self.ports))
            command = [find("nginx") or "nginx", "-p", str(folder), "-c", str(file), "-e", "stderr"]
            nginx = Program("nginx", command, folder / "nginx.log", self.ports["plain"], core=core)
            started.callback(nginx.stop)
            command = [sys.executable, "-m", "tests.bench.streams", str(self.ports["streams"])]
            streams = Program("streams", command, folder / "streams.log", self.ports["streams"], core=core, cwd=ROOT)
            started.callback(streams.stop)
            self.stop = started.pop_all().close

    def base_url(self, kind: Kind) -> str:
        """Scheme, host and port."""
        return f"{'https' if kind == 'tls' else 'http'}://{HOST}:{self.ports[kind]}"

    def _certify(self, folder: Path) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        issued = authority.issue_cert(HOST)
        issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
