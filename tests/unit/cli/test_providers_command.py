from __future__ import annotations

KEY = "sk-proj-0123456789abcdef"


def test_a_key_goes_in_and_never_comes_out(shell, tmp_path):
    made = shell("providers", "set", "openai", "--key-stdin", typed=f"{KEY}\n")
    assert made.exit_code == 0
    assert "…cdef" in made.stdout
    (listed,) = shell.json("providers", "list")
    assert (listed["provider"], listed["hint"]) == ("openai", "…cdef")
    assert "openai" in shell("providers", "list").stdout
    for path in (tmp_path / "data").iterdir():
        assert KEY.encode() not in path.read_bytes()


def test_the_secret_is_made_once_for_its_owner_alone(shell, tmp_path):
    shell("providers", "set", "openai", "--key-stdin", typed=KEY)
    secret = tmp_path / "data" / "secret.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    before = secret.read_bytes()
    shell("providers", "set", "groq", "--key-stdin", typed=KEY)
    assert secret.read_bytes() == before


def test_a_key_may_be_typed(shell):
    made = shell("providers", "set", "openai", typed=f"{KEY}\n")
    assert made.exit_code == 0
    assert KEY not in made.output


def test_keys_are_of_a_project(shell):
    shell("providers", "set", "openai", "--key-stdin", "--project", "acme", typed=KEY)
    assert "no provider keys of its own" in shell("providers", "list").stdout
    assert len(shell.json("providers", "list", "--project", "acme")) == 1
    assert shell("providers", "remove", "openai").exit_code == 1
    assert shell("providers", "remove", "openai", "--project", "acme").exit_code == 0
    assert shell.json("providers", "list", "--project", "acme") == []


def test_an_unknown_provider_is_named(shell):
    made = shell("providers", "set", "nobody", "--key-stdin", typed=KEY)
    assert made.exit_code == 1
    assert "'nobody'" in made.stderr
