# /// script
# requires-python = ">=3.11"
# dependencies = ["crewai"]
# ///
"""CrewAI."""

import os

from crewai import LLM

model = LLM(model="openai/gpt-4o-mini", base_url=os.environ["OPENAI_BASE_URL"], api_key="none")
assert model.call("hi") == os.environ["EXPECTED"]
