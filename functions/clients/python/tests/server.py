"""A server of scripted answers, for the client's own tests."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Answers:
    """Answers requests one after the other, and keeps them."""

    def __init__(self, *answers: tuple[int, Any] | tuple[int, Any, dict[str, str]]) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        answers_left = list(answers)
        kept = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kept.append((self.command, self.path, dict(self.headers), body))
                status, content, *more = answers_left.pop(0) if answers_left else (599, {"code": "too_many"})
                if status == 0:
                    self.connection.close()
                    return
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                headers = {"Content-Type": "application/json" if status < 400 else "application/problem+json", **(more[0] if more else {})}
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
