"""The gateway inside the program: the same clients, no server and no port."""

import os
import tempfile

from recollect import Recollect

config = {"data_dir": os.environ.get("DATA_DIR") or tempfile.mkdtemp(prefix="recollect-")}
model = os.environ.get("MODEL", "recollect/recall")

with Recollect(config=config) as client:
    for session, text in (("monday", "My name is Alice and I love hiking"), ("tuesday", "What are my hobbies?")):
        stream = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": text}],
            user_id="alice",
            session_id=session,
            stream=True,
        )
        print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
