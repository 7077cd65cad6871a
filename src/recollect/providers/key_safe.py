"""Provider keys at rest: sealed with AES-256-GCM, and bound to the project and provider that they are for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recollect.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SECRET_BYTES = 32
NONCE_BYTES = 12
"""As NIST SP 800-38D 5.2.1.1 recommends; random, which is safe for 2**32 seals under one secret."""
MARK_BYTES = 4
VERSION = b"\x01"
PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True, repr=False)
class KeySafe:
    """Seals with the first secret, opens with any: a new one is put in front, and the old one kept until all is sealed
    anew."""

    secrets: tuple[bytes, ...]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Self:
        """Secrets as base64 or hexadecimal text of 32 bytes each. SettingsError, which does not repeat them."""
        if not texts:
            message = "secret_key: at least one is needed to store provider keys."
            raise SettingsError(message)
        return cls(tuple(_parse_secret(text) for text in texts))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Secrets from a file, one to a line; it is created with a new one, readable by its owner alone.

        SettingsError where others may read or write it, or where it cannot be used.
        """
        try:
            return cls.from_texts(_read_secrets(path))
        except OSError as error:
            message = f"{path}: the file of the secret key cannot be used ({error.strerror}). Set `secret_key` instead."
            raise SettingsError(message) from error

    def seal(self, project: str, provider: str, key: str) -> bytes:
        """The key, encrypted: of no use for another project or provider."""
        secret, nonce = self.secrets[0], secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(secret).encrypt(nonce, key.encode(), _context(project, provider))
        return VERSION + _mark(secret) + nonce + sealed

    def open(self, project: str, provider: str, sealed: bytes) -> str:
        """The key again. SettingsError where no secret here opens it, or it was sealed for somebody else."""
        head = len(VERSION) + MARK_BYTES
        nonce, content = sealed[head : head + NONCE_BYTES], sealed[head + NONCE_BYTES :]
        for secret in self.secrets:
            if sealed[:head] != VERSION + _mark(secret):
                continue
            try:
                return AESGCM(secret).decrypt(nonce, content, _context(project, provider)).decode()
            except (InvalidTag, ValueError):
                break
        message = (
            f"The stored key of {provider} cannot be opened: it was sealed with another secret key. Restore that one, "
            f"or set the key again with `recollect providers set {provider} --key-stdin`."
        )
        raise SettingsError(message)

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first secret; if not, it should be sealed anew."""
        return sealed.startswith(VERSION + _mark(self.secrets[0]))


def new_secret() -> str:
    """A fresh secret, as text."""
    return base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _read_secrets(path: Path) -> list[str]:
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077 and os.name == "posix":
        message = f"{path}: others may read the secret key. Run `chmod 600 {path}`."
        raise SettingsError(message)
    return path.read_text(encoding="ascii", errors="replace").split()


def _create(path: Path) -> None:
    """Write a new secret, whole or not at all; where several processes start at once, the first one's counts."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE), "w", encoding="ascii") as file:
        file.write(new_secret() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        draft.replace(path) if os.name == "nt" else os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _parse_secret(text: str) -> bytes:
    stripped = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            secret = decode(stripped)
        except (ValueError, binascii.Error):
            continue
        if len(secret) == SECRET_BYTES:
            return secret
    message = f"secret_key: must be {SECRET_BYTES} random bytes as text, as `openssl rand -base64 32` prints them."
    raise SettingsError(message)


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def _mark(secret: bytes) -> bytes:
    """Tells which secret sealed something, and nothing about the secret."""
    return hashlib.sha256(b"recollect key safe" + secret).digest()[:MARK_BYTES]


def _context(project: str, provider: str) -> bytes:
    return f"{len(project)}:{project}/{provider}".encode()
