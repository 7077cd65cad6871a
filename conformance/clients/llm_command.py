# /// script
# requires-python = ">=3.11"
# dependencies = ["llm"]
# ///
"""The command ``llm``, in a stream and whole."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    model = f'- model_id: gateway\n  model_name: gpt-4o-mini\n  api_base: "{os.environ["OPENAI_BASE_URL"]}"\n'
    (Path(folder) / "extra-openai-models.yaml").write_text(model)
    for flags in ((), ("--no-stream",)):
        command = [str(Path(sys.executable).parent / "llm"), "-m", "gateway", *flags, "hi"]
        said = subprocess.run(command, env={**os.environ, "LLM_USER_PATH": folder}, capture_output=True, check=True)
        assert os.environ["EXPECTED"] in said.stdout.decode()
