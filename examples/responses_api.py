"""The Responses API, streamed."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("RECOLLECT_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("RECOLLECT_API_KEY", "unused"),
)
model = os.environ.get("MODEL", "recollect/recall")
user = {"X-Memory-User": "responses"}

first = client.responses.create(
    model=model,
    input="I'm allergic to peanuts and love Italian food",
    extra_headers={**user, "X-Memory-Session": "monday"},
)
print(first.output_text)

events = client.responses.create(
    model=model,
    input="What are my food preferences?",
    stream=True,
    extra_headers={**user, "X-Memory-Session": "tuesday"},
)
for event in events:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
print()
