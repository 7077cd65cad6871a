"""What the scripted provider says in these tests."""

from __future__ import annotations

ANSWER = "That is good to know, and I shall keep it in mind."
