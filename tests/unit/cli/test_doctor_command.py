from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


def findings(shell) -> dict[str, dict]:
    result = shell("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert result.exit_code == (0 if all(finding["is_fine"] for finding in found.values()) else 1)
    return found


@contextmanager
def http_server(status: int, body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_new_machine_is_fine(shell):
    result = shell("doctor")
    assert result.exit_code == 0
    assert "✗" not in result.stdout
    names = ("settings", "data folder", "port", "database", "background work", "spool", "memory keys", "providers")
    for name in names:
        assert f"✓ {name}: " in result.stdout


def test_a_wrong_setting_is_a_finding(shell):
    shell.config.write_text("port = 99999999\n")
    found = findings(shell)
    assert list(found) == ["settings"]
    assert "`port`" in found["settings"]["detail"]


def test_a_variable_that_nothing_reads_is_a_finding(shell, monkeypatch):
    monkeypatch.setenv("RECOLLECT_PROT", "9000")
    found = findings(shell)
    assert not found["settings"]["is_fine"]
    assert "RECOLLECT_PROT" in found["settings"]["advice"]


def test_a_data_folder_that_is_none(shell, tmp_path):
    (tmp_path / "data").write_text("")
    found = findings(shell)
    assert not found["data folder"]["is_fine"]
    assert "--data" in found["data folder"]["advice"]


@pytest.mark.parametrize(("body", "is_fine"), [(b'{"embedder": "none"}', True), (b"<html>", False)])
def test_who_has_the_port(shell, body, is_fine):
    with http_server(200, body) as port:
        shell.config.write_text(shell.config.read_text().replace("port = 0", f"port = {port}"))
        found = findings(shell)["port"]
    assert found["is_fine"] is is_fine
    assert ("--port" in found["advice"]) is not is_fine


def test_a_port_that_does_not_speak_http(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        shell.config.write_text(shell.config.read_text().replace("port = 0", f"port = {port}"))
        assert not findings(shell)["port"]["is_fine"]


def test_a_damaged_database(shell, write_lines, tmp_path):
    lines = [{"user": "a", "session_id": "s", "role": "user", "content": f"line {n} " * 40} for n in range(200)]
    shell("import", write_lines(*lines))
    path = tmp_path / "data" / "recollect.db"
    data = bytearray(path.read_bytes())
    data[8192 * 3 : 8192 * 9] = b"\xaa" * (8192 * 6)
    path.write_bytes(data)
    found = findings(shell)
    assert not found["database"]["is_fine"]
    assert "backup" in found["database"]["advice"]


def test_a_file_that_is_no_database(shell, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "recollect.db").write_bytes(b"not a database at all, but long enough to look at" * 10)
    assert not findings(shell)["database"]["is_fine"]


def test_captures_that_cannot_be_stored(shell, tmp_path):
    (tmp_path / "data" / "spool").mkdir(parents=True)
    (tmp_path / "data" / "spool" / "1.rejected").write_bytes(b"{}\n")
    found = findings(shell)["spool"]
    assert not found["is_fine"]
    assert "1.rejected" in found["advice"]


def test_a_model_that_is_missing(shell, tmp_path):
    shell.config.write_text(
        'data_dir = "data"\nport = 0\n[embedder]\nmay_download = false\n'
        f'path = "{tmp_path}"\ncache_dir = "{tmp_path}"\n'
    )
    found = findings(shell)["embedding model"]
    assert not found["is_fine"]
    assert "lexical only" in found["detail"]
    assert "make setup" in found["advice"]


@pytest.mark.parametrize(
    ("status", "is_fine", "said"), [(200, True, "takes the key"), (401, False, "refused the key"), (404, True, "404")]
)
def test_a_provider_is_asked(shell, status, is_fine, said):
    with http_server(status, b'{"data": []}') as port:
        shell.config.write_text(
            shell.config.read_text()
            + f'[providers.openai]\nbase_url = "http://127.0.0.1:{port}/v1"\napi_key = "sk-secret"\n'
        )
        result = shell("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(result.stdout)}["provider openai"]
    assert (found["is_fine"], said in found["detail"]) == (is_fine, True)
    assert "sk-secret" not in result.output


def test_a_provider_that_is_away(shell):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        shell.config.write_text(
            shell.config.read_text()
            + f'[providers.openai]\nbase_url = "http://127.0.0.1:{port}/v1"\napi_key = "sk-secret"\n'
        )
        found = findings(shell)["provider openai"]
    assert not found["is_fine"]
    assert "base URL" in found["advice"]


def test_keys_that_are_all_revoked(shell):
    key = shell.json("keys", "create")["id"]
    assert findings(shell)["memory keys"]["detail"] == "1 in use"
    shell("keys", "revoke", key)
    found = findings(shell)["memory keys"]
    assert not found["is_fine"]
    assert "recollect keys create" in found["advice"]


def test_a_public_gateway_without_keys(shell):
    shell.config.write_text('host = "0.0.0.0"\n' + shell.config.read_text())
    assert not findings(shell)["memory keys"]["is_fine"]
