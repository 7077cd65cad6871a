"""The provider's URL behind the gateway's: the provider's key stays where it was, memory travels in headers.

Needs a provider: ``PROVIDER_URL`` (https://api.openai.com/v1 where it is not set) and its key in ``PROVIDER_KEY``.
"""

import os

from openai import OpenAI

gateway = os.environ.get("RECOLLECT_BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1")
provider = os.environ.get("PROVIDER_URL", "https://api.openai.com/v1")
model = os.environ.get("MODEL", "gpt-4o-mini")
headers = {"X-Memory-User": "forward"}
if "RECOLLECT_API_KEY" in os.environ:
    headers["X-Memory-Key"] = os.environ["RECOLLECT_API_KEY"]

client = OpenAI(
    base_url=f"{gateway}/forward/{provider}",
    api_key=os.environ["PROVIDER_KEY"],
    default_headers=headers,
)

for session, text in (("monday", "My name is Alice and I love hiking"), ("tuesday", "What are my hobbies?")):
    raw = client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": "user", "content": text}],
        extra_headers={"X-Memory-Session": session},
    )
    print(raw.headers["X-Memory-Status"], raw.headers["X-Memory-Count"])
    print(raw.parse().choices[0].message.content)
