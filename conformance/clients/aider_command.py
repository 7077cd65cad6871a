# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["aider-chat"]
# ///
"""The command ``aider``, one question."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = """--model openai/gpt-4o-mini --no-git --yes-always --no-show-model-warnings --no-check-update
--analytics-disable --no-auto-commits --message"""

with tempfile.TemporaryDirectory() as folder:
    command = [str(Path(sys.executable).parent / "aider"), *COMMAND.split(), "/ask hi"]
    base = ["--openai-api-base", os.environ["OPENAI_BASE_URL"], "--openai-api-key", "none"]
    said = subprocess.run([*command, *base], cwd=folder, capture_output=True, check=True)
    assert os.environ["EXPECTED"] in said.stdout.decode()
