"""The OpenAI SDK, unmodified: only the URL is the gateway's."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("RECOLLECT_BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("RECOLLECT_API_KEY", "unused"),
)
model = os.environ.get("MODEL", "recollect/recall")


def say(text: str, session: str) -> None:
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": text}],
        stream=True,
        extra_headers={"X-Memory-User": "quickstart", "X-Memory-Session": session},
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            print(chunk.choices[0].delta.content, end="", flush=True)
    print()


say("My name is Alice and I love hiking", session="monday")
say("What are my hobbies?", session="tuesday")
