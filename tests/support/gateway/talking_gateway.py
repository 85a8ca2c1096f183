"""A server with TLS on loopback that answers a chat as the gateway does, and keeps requests."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import tls_pairs

WORDS = ("Hello", " there", ".")


@dataclass
class Talking:
    """Its port, the CA that signed its certificate for localhost, and each request so far."""

    port: int
    ca: str
    requests: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def talking(folder: Path, key: str) -> Iterator[Talking]:
    """Run it; a request without ``key`` gets 401."""
    authority = tls_pairs.make()
    leaf = tls_pairs.make(names=("localhost",), by=authority)
    pem = folder / "talking.pem"
    pem.write_text(leaf.certificate + leaf.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({}, {"object": "list", "data": [{"id": "scribe", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = "".join(WORDS)
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._answer(body, {"object": "chat.completion", "id": "a", "choices": [choice]})

        def _answer(self, body: dict[str, Any], whole: dict[str, Any]) -> None:
            sent = self.headers.get("Authorization")
            found.requests.append({"path": self.path, "body": body, "authorization": sent})
            allowed = sent == f"Bearer {key}"
            streamed = bool(body.get("stream")) and allowed
            self.send_response(200 if allowed else 401)
            self.send_header(
                "Content-Type", "text/event-stream" if streamed else "application/json"
            )
            self.end_headers()
            if streamed:
                for word in WORDS:
                    choice = {"index": 0, "delta": {"role": "assistant", "content": word}}
                    event = {"id": "a", "object": "chat.completion.chunk", "choices": [choice]}
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")
            else:
                self.wfile.write(json.dumps(whole if allowed else {"error": {}}).encode())

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Talking(server.server_port, authority.certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
