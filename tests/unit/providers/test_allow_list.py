from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import SettingsError
from recollect.providers.allow_list import build_allow_list, is_public, normal_host, parse_address
from recollect.providers.registry import load_registry

REGISTRY = load_registry().values()


@pytest.mark.parametrize(
    "spelling",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1."],
)
def test_every_spelling_of_an_ipv4_address_is_that_address(spelling):
    assert normal_host(spelling) == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("API.OpenAI.com", "api.openai.com"),
        ("api.openai.com.", "api.openai.com"),
        ("[::1]", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("my_host-1", "my_host-1"),
    ],
)
def test_hosts_have_one_spelling(host, normal):
    assert normal_host(host) == normal


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "a..b", "-a.example", "a b", "a%2eb", "a@b", "a/b", "exämple.com", "[::1", "::g", "1.2.3.4.5",
        "256.1.1.1", "4294967296", "a." * 200, "x.08.1",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(host):
    with pytest.raises(ValueError, match=r".+"):
        normal_host(host)


@given(st.ip_addresses(v=4))
def test_decimal_form_is_the_same_address(address):
    assert parse_address(str(int(address))) == address
    assert parse_address(hex(int(address))) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "198.18.0.1",
        "192.0.2.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::7f00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_on_the_internet(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "104.18.7.192", "2606:4700::6812:7c0", "64:ff9b::808:808"])
def test_addresses_that_are(address):
    assert is_public(ipaddress.ip_address(address))


def test_the_registrys_hosts_are_permitted_over_https_only():
    allow = build_allow_list(REGISTRY)
    assert allow.permits("https", "api.openai.com", 443)
    assert allow.permits("https", "generativelanguage.googleapis.com", 443)
    assert allow.permits("https", "anything.openai.azure.com", 443)
    assert not allow.permits("http", "api.openai.com", 80)
    assert not allow.permits("http", "api.openai.com", 443)
    assert not allow.permits("https", "api.openai.com", 8443)
    assert not allow.permits("https", "openai.azure.com", 443)
    assert not allow.permits("https", "evilopenai.azure.com.example", 443)


def test_local_providers_are_not_permitted_by_being_known():
    allow = build_allow_list(REGISTRY)
    assert not allow.permits("http", "127.0.0.1", 11434)
    assert not allow.permits("https", "127.0.0.1", 11434)


def test_what_the_operator_lists_is_permitted_over_http_too():
    allow = build_allow_list(
        REGISTRY, ["127.0.0.1:9000", "gpu.lan", "*.corp.example", "[::1]:7000", "http://h.example:81/v1"]
    )
    assert allow.permits("http", "127.0.0.1", 9000)
    assert not allow.permits("http", "127.0.0.1", 9001)
    assert allow.permits("http", "gpu.lan", 1234)
    assert allow.permits("https", "a.b.corp.example", 443)
    assert not allow.permits("https", "corp.example", 443)
    assert allow.permits("http", "[::1]", 7000)
    assert allow.permits("http", "h.example", 81)
    assert not allow.permits("http", "h.example", 80)


@pytest.mark.parametrize("entry", ["", "a b", "host:port", "host:0", "host:70000", "user@host", "http://"])
def test_a_wrong_entry_is_named(entry):
    with pytest.raises(SettingsError, match="allow_upstreams"):
        build_allow_list(REGISTRY, [entry])


def test_a_known_name_may_not_lead_to_a_private_address():
    allow = build_allow_list(REGISTRY)
    assert allow.may_connect("api.openai.com", 443, "104.18.7.192")
    assert not allow.may_connect("api.openai.com", 443, "10.0.0.1")
    assert not allow.may_connect("api.openai.com", 443, "::ffff:127.0.0.1")
    assert not allow.may_connect("api.openai.com", 443, "fe80::1%eth0")
    assert not allow.may_connect("api.openai.com", 443, "not an address")


def test_a_listed_name_may_lead_home_but_not_to_the_credential_service():
    allow = build_allow_list(REGISTRY, ["gpu.lan"])
    assert allow.may_connect("gpu.lan", 8000, "10.0.0.1")
    assert allow.may_connect("gpu.lan", 8000, "127.0.0.1")
    assert not allow.may_connect("gpu.lan", 80, "169.254.169.254")
    assert not allow.may_connect("gpu.lan", 80, "::ffff:169.254.169.254")
    assert not allow.may_connect("gpu.lan", 80, "fd00:ec2::254")
    assert not allow.may_connect("gpu.lan", 80, "fe80::1")
    assert not allow.may_connect("gpu.lan", 80, "0.0.0.0")


def test_the_credential_service_itself_can_be_listed():
    allow = build_allow_list(REGISTRY, ["169.254.169.254"])
    assert allow.may_connect("169.254.169.254", 80, "169.254.169.254")
