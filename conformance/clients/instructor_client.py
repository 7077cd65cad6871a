# /// script
# requires-python = ">=3.11"
# dependencies = ["instructor"]
# ///
"""instructor over a model that answers in JSON."""

import os

import instructor
from openai import OpenAI
from pydantic import BaseModel


class Said(BaseModel):
    """What the JSON holds."""

    text: str


client = instructor.from_openai(OpenAI(), mode=instructor.Mode.MD_JSON, max_retries=0)
said = client.chat.completions.create(
    model="json", response_model=Said, messages=[{"role": "user", "content": "hi"}], max_retries=0
)
assert said.text == os.environ["EXPECTED"]
