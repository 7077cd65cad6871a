"""Code written for Mem0's OpenAI-compatible client: only the import and the host change."""

import os

from recollect.compat.mem0 import Mem0

client = Mem0(
    api_key=os.environ.get("RECOLLECT_API_KEY"),
    base_url=os.environ.get("RECOLLECT_BASE_URL", "http://127.0.0.1:8000/v1"),
)
model = os.environ.get("MODEL", "recollect/recall")

client.chat.completions.create(
    messages=[{"role": "user", "content": "I love Indian food but I'm allergic to cheese."}],
    model=model,
    user_id="alice",
    run_id="monday",
)

response = client.chat.completions.create(
    messages=[{"role": "user", "content": "Which food do I love, and what am I allergic to?"}],
    model=model,
    user_id="alice",
    run_id="tuesday",
)
print(response.choices[0].message.content)
print([memory.text for memory in response.metadata.memories])
