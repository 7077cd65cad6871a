from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from recollect.errors import SettingsError
from recollect.providers.key_safe import KeySafe, new_secret

KEY = "sk-proj-0123456789"


@pytest.fixture
def safe():
    return KeySafe.from_texts([new_secret()])


def test_a_key_comes_back(safe):
    assert safe.open("p1", "openai", safe.seal("p1", "openai", KEY)) == KEY


def test_what_is_stored_tells_nothing_and_is_never_the_same(safe):
    one, two = safe.seal("p1", "openai", KEY), safe.seal("p1", "openai", KEY)
    assert one != two
    assert KEY.encode() not in one
    assert b"openai" not in one


@pytest.mark.parametrize(
    ("project", "provider"), [("p2", "openai"), ("p1", "groq"), ("p", "1/openai"), ("p1/openai", "")]
)
def test_a_key_is_of_no_use_elsewhere(safe, project, provider):
    with pytest.raises(SettingsError, match="sealed with another"):
        safe.open(project, provider, safe.seal("p1", "openai", KEY))


def test_every_changed_byte_is_noticed(safe):
    sealed = safe.seal("p1", "openai", KEY)
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SettingsError):
            safe.open("p1", "openai", changed)
    with pytest.raises(SettingsError):
        safe.open("p1", "openai", b"")


def test_another_secret_does_not_open_it(safe):
    with pytest.raises(SettingsError, match="recollect providers set openai") as caught:
        KeySafe.from_texts([new_secret()]).open("p1", "openai", safe.seal("p1", "openai", KEY))
    assert KEY not in str(caught.value)


def test_secrets_can_be_changed():
    old, new = new_secret(), new_secret()
    sealed = KeySafe.from_texts([old]).seal("p1", "openai", KEY)
    both = KeySafe.from_texts([new, old])
    assert both.open("p1", "openai", sealed) == KEY
    assert not both.is_current(sealed)
    again = both.seal("p1", "openai", KEY)
    assert both.is_current(again)
    assert KeySafe.from_texts([new]).open("p1", "openai", again) == KEY


def test_secrets_in_every_usual_spelling():
    secret = bytes(range(200, 232))
    spellings = [secret.hex(), base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode() + "\n"]
    sealed = KeySafe.from_texts(spellings[:1]).seal("p", "x", KEY)
    assert all(KeySafe.from_texts([spelling]).open("p", "x", sealed) == KEY for spelling in spellings)


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "ab" * 31, "not base64 at all!"])
def test_a_wrong_secret_is_refused_and_not_repeated(text):
    with pytest.raises(SettingsError) as caught:
        KeySafe.from_texts([text])
    assert "openssl rand" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_no_secret_at_all():
    with pytest.raises(SettingsError):
        KeySafe.from_texts([])


def test_the_secrets_are_not_shown(safe):
    assert repr(safe.secrets[0]) not in repr(safe)


def test_a_file_is_created_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "secret.key"
    sealed = KeySafe.from_file(path).seal("p", "x", KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeySafe.from_file(path).open("p", "x", sealed) == KEY
    assert [found.name for found in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        safes = list(pool.map(lambda _: KeySafe.from_file(tmp_path / "secret.key"), range(8)))
    assert len({safe.secrets for safe in safes}) == 1


def test_a_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "secret.key"
    KeySafe.from_file(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        KeySafe.from_file(path)


def test_a_file_that_cannot_be_made(tmp_path):
    with pytest.raises(SettingsError, match="cannot be used"):
        KeySafe.from_file(tmp_path / "no" / "such" / "folder")
