"""The process connects to the configured upstream, and to nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.e2e.answers import ANSWER

if TYPE_CHECKING:
    from pathlib import Path

    from recollect.testing.scripted_provider import ScriptedProvider

SCRIPT = """
import json, sys

contacts = []

def note(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        contacts.append(list(arguments[1][:2]))
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        contacts.append([str(arguments[0]), arguments[1] if len(arguments) > 1 else None])

sys.addaudithook(note)
from recollect import Recollect

with Recollect(config=json.loads(sys.argv[1])) as client:
    client.memory.ingest("alice", [{"role": "user", "content": "I love hiking"}], wait=True)
    said = [{"role": "user", "content": "What are my hobbies?"}]
    reply = client.chat.completions.create(model="openai/m", messages=said, user_id="alice")
    list(client.chat.completions.create(model="openai/m", messages=said, user_id="alice", stream=True))
    client.memory.search("alice", "hobbies")
    client.memory.erase_user("alice")
print(json.dumps({"reply": reply.choices[0].message.content, "contacts": contacts}))
"""


def test_nobody_but_the_provider_is_contacted(provider: ScriptedProvider, tmp_path: Path) -> None:
    config = {
        "data_dir": str(tmp_path / "data"),
        "providers": {"openai": {"base_url": provider.base_url, "api_key": "sk"}},
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(config)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["reply"] == ANSWER
    assert outcome["contacts"] != []
    assert {tuple(contact) for contact in outcome["contacts"]} == {("127.0.0.1", provider.port)}
