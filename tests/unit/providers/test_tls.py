"""Providers over TLS: what is trusted, and what is said where it is not."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recollect.errors import UpstreamConnectError
from recollect.providers.base import UpstreamRequest
from recollect.providers.http_upstream import HttpUpstream, Timeouts
from recollect.testing.scripted_provider import ScriptedProvider
from tests.unit.providers.raw_server import RawServer, ok


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
async def server(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = RawServer([ok(b"over tls")])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    await listening.wait_closed()


def post(server):
    return UpstreamRequest("POST", server.url.replace("http://", "https://"), (), b"{}")


@pytest.fixture
async def upstream():
    running = HttpUpstream(Timeouts(connect_s=2, head_s=2, idle_s=2))
    yield running
    await running.close()


async def test_a_certificate_that_nobody_vouches_for(upstream, server):
    with pytest.raises(UpstreamConnectError, match=f"certificate of 127.0.0.1:{server.port} is not trusted"):
        await upstream.send(post(server))
    assert server.requests == []


async def test_a_certificate_that_the_operator_vouches_for(monkeypatch, certificate, server):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    upstream = HttpUpstream(tls=ssl.create_default_context())
    reply = await upstream.send(post(server))
    assert [chunk async for chunk in reply.chunks()] == [b"over tls"]
    await reply.close()
    await upstream.close()


async def test_a_server_without_tls(upstream):
    async with ScriptedProvider() as plain:
        url = plain.base_url.replace("http://", "https://")
        with pytest.raises(UpstreamConnectError, match=f"TLS with 127.0.0.1:{plain.port} failed"):
            await upstream.send(UpstreamRequest("POST", url, (), b"{}"))
