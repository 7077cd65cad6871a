# /// script
# requires-python = ">=3.11"
# dependencies = ["playwright>=1.50"]
# ///
"""A page with OpenAI for JavaScript in headless Chromium: it streams where its origin may call, else it is refused.

``python page.py OPENAI_PACKAGE ORIGIN BASE_URL streams|refused``; the page is served at ORIGIN, from this machine.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 30_000


class Pages(SimpleHTTPRequestHandler):
    """This page, and the package as its modules import each other."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def translate_path(self, path: str) -> str:
        if path.startswith("/openai/"):
            return super().translate_path(path.removeprefix("/openai"))
        return str(Path(__file__).with_name("page.html"))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def ask(origin: str, base_url: str) -> dict[str, str]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(origin)
        page.wait_for_function("window.ask")
        said = page.evaluate("baseURL => window.ask(baseURL)", base_url)
        browser.close()
    return said


def main() -> None:
    package, origin, base_url, expected = sys.argv[1:]
    handler = partial(Pages, directory=package)
    with ThreadingHTTPServer(("127.0.0.1", urlsplit(origin).port or 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = ask(origin, base_url)
        server.shutdown()
    if expected == "refused":
        assert said == {"error": "APIConnectionError"}, said
    else:
        assert said["chat"] == said["responses"] == os.environ["EXPECTED"], said
        assert said["requestId"], said


if __name__ == "__main__":
    main()
