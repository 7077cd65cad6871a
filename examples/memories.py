"""What is known of somebody: read it, put it right, add to it, forget it."""

from recollect import Recollect

USER = "remembered"
memory = Recollect().memory

memory.ingest(USER, [{"role": "user", "content": "I live in Porto and I love hiking."}], session_id="monday")
memory.process_session(USER, "monday", wait=True)  # otherwise: when the session has been quiet for a while
for one in memory.memories.list(USER, kind="memory").data:
    print(one.text, "because of", one.sources[0]["quote"])

(home,) = memory.memories.list(USER, attribute="home").data
memory.memories.edit(USER, home.id, value="Lisbon", valid_from="2026-04-01")
memory.memories.add(USER, attribute="allergy", value="peanuts", is_pinned=True)
for version in memory.memories.history(USER, home.id).data:
    print(version.version, version.text, version.status)

print([one.text for one in memory.memories.list(USER, kind="memory").data])
memory.memories.delete(USER, home.id, with_sources=True)
print([one.text for one in memory.memories.list(USER, kind="memory").data])
memory.erase_user(USER)
