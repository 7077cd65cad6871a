"""Recollect's own client: the OpenAI SDK's, with keywords for memory, and what was recalled on the reply."""

import os

from recollect import Recollect

client = Recollect()  # RECOLLECT_BASE_URL and RECOLLECT_API_KEY, or a gateway on this machine
model = os.environ.get("MODEL", "recollect/recall")

for topic, text in (("sport", "My name is Alice and I love hiking"), ("food", "I love ramen")):
    client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": text}],
        user_id="alice",
        run_id=f"monday, {topic}",
        metadata={"topic": topic},
    )

reply = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": "What do I love?"}],
    user_id="alice",
    run_id="tuesday",
    filters={"topic": "sport"},
    limit=5,
)
print(reply.choices[0].message.content)
for memory in reply.metadata.memories:
    print("recalled:", memory.text)

for found in client.memory.search("alice", "food").data:
    print("found:", found.text)
