"""A page in headless Chromium against the gateway: it streams where ``cors.origins`` has its origin, else nothing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from conformance.suites import EXPECTED, HERE, NODE, ends_well
from conformance.upstreams import gateway, scripted
from tests.e2e.gateway_process import free_port

if TYPE_CHECKING:
    from conformance.suites import Tools
    from conformance.verdicts import Verdicts

PAGE = HERE / "clients" / "browser" / "page.py"
EXPECTATIONS = ("streams", "refused")
"""With its origin configured, and without."""


def find_chromium() -> str | None:
    """What ``CHROMIUM`` names, or what is installed."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, installed), None)


def browser_verdicts(tools: Tools, mode: str) -> Verdicts:
    """By expectation. What a page gets from the provider itself is no measure: providers have no such setting."""
    tools.install_node()
    package = NODE / "node_modules" / "openai"
    found: Verdicts = {}
    for expected in EXPECTATIONS:
        origin = f"http://127.0.0.1:{free_port()}"
        environment = {"RECOLLECT_CORS_ORIGINS": origin} if expected == "streams" else {}
        with scripted() as (url, provider), gateway(url, mode, environment) as base_url:
            words = [tools.uv, "run", "--quiet", "--script", PAGE, package, origin, base_url, expected]
            verdict = ends_well(words, HERE, {"EXPECTED": EXPECTED, "CHROMIUM": find_chromium() or ""})
            has_asked = any(received.method == "POST" for received in provider.requests)
            found[expected] = verdict if has_asked == (expected == "streams") else "failed"
    return found
