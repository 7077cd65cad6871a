"""Calling the provider yourself, with memory beside it: prepare, call, ingest."""

import os

from openai import OpenAI

from recollect import Recollect

memory = Recollect().memory
provider = OpenAI(
    base_url=os.environ.get("PROVIDER_URL", "https://api.openai.com/v1"), api_key=os.environ["PROVIDER_KEY"]
)
model = os.environ.get("MODEL", "gpt-4o-mini")

memory.ingest("prepared", [{"role": "user", "content": "My name is Alice and I love hiking"}], wait=True)

question = {"role": "user", "content": "What are my hobbies?"}
prepared = memory.prepare("prepared", messages=[question], session_id="tuesday")
print(prepared.context)

reply = provider.chat.completions.create(model=model, messages=prepared.messages)
answer = reply.choices[0].message.content
print(answer)
memory.ingest("prepared", [question, {"role": "assistant", "content": answer}], session_id="tuesday")
