from __future__ import annotations

import pytest

from recollect.server.trust import is_local_caller, is_loopback_host

HOME = ("127.0.0.1", 40000)


def is_local(client=HOME, hosts=(), origins=(), **fields):
    named = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    return is_local_caller(client, named, allowed_hosts=hosts, allowed_origins=origins)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost"])
def test_names_of_this_machine(host):
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "example.com", "localhost.example.com", "", "1.0.0.127"])
def test_names_of_others(host):
    assert not is_loopback_host(host)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_a_program_on_this_machine_is_local(host):
    assert is_local(host=host)
    assert is_local(client=("::ffff:127.0.0.1", 1), host=host)


def test_another_machine_is_not_local():
    assert not is_local(client=("192.168.1.7", 1), host="localhost:8000")


def test_a_peer_without_an_address_is_not_local():
    assert not is_local(client=None, host="localhost")


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip"])
def test_whoever_a_proxy_speaks_for_is_not_local(header):
    assert not is_local(host="localhost", **{header: "203.0.113.7"})


def test_a_name_that_an_attacker_points_at_loopback_is_not_local():
    assert not is_local(host="rebound.example:8000")
    assert is_local(host="gateway.lan:8000", hosts=["gateway.lan"])


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://192.168.1.7", "http://[bad"])
def test_a_page_of_another_site_is_not_local(origin):
    assert not is_local(host="localhost:8000", origin=origin)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "app://obsidian.md", "vscode-webview://x"])
def test_pages_and_programs_of_this_machine_are_local(origin):
    assert is_local(host="localhost:8000", origin=origin)


def test_a_configured_page_is_local():
    assert is_local(host="localhost", origin="https://app.example", origins=["https://app.example"])
