"""A model on the network, scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from openai import OpenAI


@pytest.fixture
def scripted_model() -> Iterator[Callable[..., tuple[OpenAI, list[str]]]]:
    """A client of an endpoint that gives these answers in turn, and the prompts that it was sent."""
    servers: list[HTTPServer] = []

    def start(*answers: str) -> tuple[OpenAI, list[str]]:
        asked: list[str] = []

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked.append(body["messages"][0]["content"])
                message = {"role": "assistant", "content": answers[len(asked) - 1]}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
                sent = json.dumps(reply).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        server = HTTPServer(("127.0.0.1", 0), Endpoint)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="sk-x"), asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
