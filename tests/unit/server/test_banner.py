from __future__ import annotations

import logging
import socket
from contextlib import closing

import pytest

from recollect.server import banner as module
from recollect.server.banner import answers, banner, base_url
from recollect.server.logs import Quiet
from tests.unit.server.fakes import some_settings


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setattr(module, "OLLAMA", unused.getsockname())
        yield


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/v1"),
        ("0.0.0.0", "http://127.0.0.1:8000/v1"),
        ("::1", "http://[::1]:8000/v1"),
        ("gateway.lan", "http://gateway.lan:8000/v1"),
    ],
)
def test_the_address_can_be_copied(host, url):
    assert base_url(some_settings(host=host), 8000) == url
    assert f'base_url="{url}"' in banner(some_settings(host=host), 8000)


def test_without_any_provider_the_built_in_model_is_named():
    assert "recollect/recall" in banner(some_settings(), 8000)


def test_a_provider_key_is_noticed_and_not_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    text = banner(some_settings(), 8000)
    assert "OPENAI_API_KEY is set" in text
    assert "sk-very-secret" not in text


def test_an_ollama_is_noticed(monkeypatch):
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(module, "OLLAMA", server.getsockname())
        assert answers(server.getsockname())
        assert "ollama/" in banner(some_settings(), 8000)


def test_a_configured_provider_is_named():
    assert 'model="local/' in banner(some_settings(providers=["local=http://127.0.0.1:1/v1"]), 8000)


def test_other_machines_are_told_about_keys():
    assert "recollect keys create" in banner(some_settings(host="0.0.0.0"), 8000)
    assert "recollect keys create" not in banner(some_settings(), 8000)


def test_a_misspelt_variable_is_named(monkeypatch):
    monkeypatch.setenv("RECOLLECT_PROT", "1")
    assert "RECOLLECT_PROT" in banner(some_settings(), 8000)


def test_expected_noise_is_dropped_from_the_log():
    def record(message, error=None):
        exc_info = (type(error), error, None) if error else None
        return logging.LogRecord("uvicorn.error", logging.ERROR, "f", 1, message, (), exc_info)

    quiet = Quiet()
    assert not quiet.filter(record("ASGI callable returned without completing response."))
    assert quiet.filter(record("something is wrong"))
    assert quiet.filter(record("Exception in ASGI application", ValueError("x")))
