"""The HTTP library under the installed OpenAI SDK: httpx2 under version 3, httpx under version 2.

A transport must be of the library that calls it. Both have the same names for what is used here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import openai

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    httpx = importlib.import_module(openai.DefaultHttpxClient.__bases__[0].__module__.partition(".")[0])

__all__ = ["httpx"]
