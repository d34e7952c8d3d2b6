"""A chat server on loopback that does as its programme says, one step a request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


def completion(text: str | None = "yes", finish: str = "stop", **usage: int) -> dict[str, Any]:
    """A well-formed chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"object": "chat.completion", "choices": [choice], **({"usage": usage} if usage else {})}


@dataclass
class Step:
    """What the server does to one chat request: wait, then send ``body``, or ``keep`` bytes of it."""

    status: int = 200
    body: Any = field(default_factory=completion)
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    drip_s: float = 0.0
    keep: int | None = None
    hang_up: bool = False


@dataclass
class FaultServer:
    """``programme`` is used up step by step; afterwards ``reply(request body)`` answers."""

    url: str = ""
    programme: list[Step] = field(default_factory=list)
    reply: Callable[[dict[str, Any]], Any] = lambda body: completion()
    models: Step = field(default_factory=lambda: Step(body={"object": "list", "data": [{"id": "m"}]}))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def next_step(self, body: dict[str, Any]) -> Step:
        with self.lock:
            self.bodies.append(body)
            if self.programme:
                return self.programme.pop(0)
        made = self.reply(body)
        return made if isinstance(made, Step) else Step(body=made)


def _handler(server: FaultServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            server.headers.append(dict(self.headers))
            found = self.path.startswith("/v1/models")
            self.play(server.models if found else Step(404, {"detail": "Not Found"}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.headers.append(dict(self.headers))
            with server.lock:
                server.busy += 1
                server.busiest = max(server.busiest, server.busy)
            try:
                step = server.next_step(body)
                server.over.wait(step.wait_s)
            finally:
                with server.lock:  # before the reply goes out, or the next request would be counted beside it
                    server.busy -= 1
            self.play(step)

        def play(self, step: Step) -> None:
            self.close_connection = True
            if step.hang_up:
                return
            content = step.body.encode() if isinstance(step.body, str) else json.dumps(step.body).encode()
            # Said aloud, or the client would send its next request into a closed connection.
            length = {"Content-Length": str(len(content)), "Connection": "close"}
            try:
                self.send_response(step.status)
                for name, value in {**step.headers, **length}.items():
                    self.send_header(name, value)
                self.end_headers()
                for byte in content[: step.keep]:
                    self.wfile.write(bytes([byte]))
                    if step.drip_s:
                        time.sleep(step.drip_s)
            except (BrokenPipeError, ConnectionResetError):
                return

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.delenv("MEDAUDIT_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    scripted = FaultServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(scripted))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    scripted.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    yield scripted
    scripted.over.set()
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def step() -> type[Step]:
    """For programmes: conftest modules cannot be imported by name."""
    return Step
