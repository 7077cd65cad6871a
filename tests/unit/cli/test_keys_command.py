from __future__ import annotations

import sqlite3

import pytest


def test_a_secret_is_shown_once_and_stored_nowhere(shell, tmp_path):
    created = shell("keys", "create", "--name", "my-app")
    assert created.exit_code == 0
    secret = created.stdout.strip()
    assert secret.startswith("mk_")
    assert "only time" in created.stderr
    listed = shell("keys", "list")
    assert secret not in listed.output
    assert "my-app" in listed.output
    for path in (tmp_path / "data").iterdir():
        assert secret.encode() not in path.read_bytes()


def test_a_key_has_the_fields_that_were_asked_for(shell):
    shell("keys", "create", "--kind", "vault", "--user", "alice", "--mode", "read", "--project", "acme")
    (key,) = shell.json("keys", "list")
    assert (key["kind"], key["user"], key["mode"], key["project"]) == ("vault", "alice", "read", "acme")
    assert key["revoked_at"] is None


def test_create_prints_json_for_programs(shell):
    created = shell.json("keys", "create", "--kind", "admin")
    (key,) = shell.json("keys", "list")
    assert created["id"] == key["id"]
    assert created["kind"] == "admin"
    assert created["key"].endswith(key["hint"].lstrip("…"))


@pytest.mark.parametrize("arguments", [["--kind", "vault"], ["--kind", "client", "--user", "alice"]])
def test_only_a_vault_key_has_a_user(shell, arguments):
    result = shell("keys", "create", *arguments)
    assert result.exit_code == 2
    assert "--user goes with --kind vault" in result.stderr


def test_a_revoked_key_stays_revoked(shell):
    key = shell.json("keys", "create")["id"]
    assert shell("keys", "revoke", key).exit_code == 0
    (listed,) = shell.json("keys", "list")
    assert listed["revoked_at"] is not None
    again = shell("keys", "revoke", key)
    assert again.exit_code == 1
    assert "There is no live key" in again.stderr


def test_a_key_is_revoked_in_its_own_project_only(shell):
    key = shell.json("keys", "create", "--project", "acme")["id"]
    assert shell("keys", "revoke", key).exit_code == 1
    assert shell("keys", "revoke", key, "--project", "acme").exit_code == 0


def test_no_keys_is_said_in_words(shell):
    assert "this machine only" in shell("keys", "list").output


def test_a_database_of_the_future_is_not_touched(shell, tmp_path):
    shell("keys", "create")
    with sqlite3.connect(tmp_path / "data" / "recollect.db") as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    result = shell("keys", "list")
    assert result.exit_code == 2
    assert "newer Recollect" in result.stderr


def test_a_key_has_limits_of_its_own(shell):
    shell("keys", "create", "--limit", "$5 USD per day", "--limit", "60 requests/minute")
    (key,) = shell.json("keys", "list")
    assert key["limits"] == "5 usd/day, 60 requests/minute"


def test_a_limit_that_is_none_is_refused(shell):
    result = shell("keys", "create", "--limit", "lots")
    assert result.exit_code == 2
    assert "as `60 requests/minute`" in result.stderr
