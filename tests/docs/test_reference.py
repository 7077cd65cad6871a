"""The reference pages are complete: what the code knows stands there, and nothing that it does not."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING

import click
import pytest

from recollect import errors
from recollect.cli.main import main
from recollect.client.keywords import MemoryKeywords
from recollect.client.memories import ConflictsResource, MemoriesResource
from recollect.client.memory import MemoryResource
from recollect.providers.registry import load_registry
from recollect.recall import weights
from recollect.server.openapi import openapi_document
from recollect.settings import NEEDS_RESTART, settings_table
from recollect.wire.headers import CONTROL_TABLE, RECALLR_RESPONSE_HEADERS, RESPONSE_HEADERS
from tests.docs.pages import DOCS, ROOT, missing, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = ROOT / "src" / "recollect"


def error_classes() -> list[type[errors.RecollectError]]:
    """The public error tree."""
    found = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.RecollectError)]
    return [one for one in found if one.__module__ == errors.__name__]


def error_codes() -> set[str]:
    """The default of every class, and every ``code="…"`` that is written anywhere."""
    codes = {one.default_code for one in error_classes() if issubclass(one, errors.ApiError)}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                codes |= {node.value.value} if isinstance(node.value.value, str) else set()
    return codes


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}")


def test_every_setting() -> None:
    rows = settings_table()
    assert missing("settings", [row.name for row in rows]) == []
    assert missing("settings", [row.environment for row in rows if row.environment]) == []
    text = reference("settings")
    assert [row.name for row in rows if row.description not in text] == []
    assert [row.name for row in rows if row.default and row.default not in text] == []


def test_no_setting_that_is_none() -> None:
    shown = set(re.findall(r"^\| `([a-zA-Z_.]+)`", reference("settings"), re.MULTILINE))
    assert shown == {row.name for row in settings_table()}


def test_every_setting_that_needs_a_restart() -> None:
    paragraph = reference("settings").partition("These are read when it starts")[2].partition("\n\n")[0]
    assert {name.strip("[]") for name in re.findall(r"`([^`]+)`", paragraph)} == NEEDS_RESTART


def test_every_request_control() -> None:
    names = [name for row in CONTROL_TABLE for name in (*row.headers, *row.body, *row.kept_body, *row.query)]
    assert missing("headers", names) == []
    assert [row.doc for row in CONTROL_TABLE if row.doc not in reference("headers")] == []


def test_every_response_header() -> None:
    assert missing("headers", [*RESPONSE_HEADERS, *RECALLR_RESPONSE_HEADERS]) == []


def test_no_header_that_is_none() -> None:
    known = {name.lower() for row in CONTROL_TABLE for name in row.headers}
    known |= {name.lower() for name in (*RESPONSE_HEADERS, *RECALLR_RESPONSE_HEADERS)}
    shown = re.findall(r"`(X-(?:Memory|Recallr)-[A-Za-z-]*[a-z])[`:]", reference("headers"), re.IGNORECASE)
    assert {name for name in shown if name.lower() not in known} == set()


def test_every_error() -> None:
    assert missing("errors", [one.__name__ for one in error_classes()]) == []
    assert missing("errors", sorted(error_codes())) == []


def test_no_error_code_that_is_none() -> None:
    shown = set(re.findall(r"^\| `([a-z_]+)` \|", reference("errors"), re.MULTILINE))
    assert len(shown) > 30
    assert shown - error_codes() == set()


@pytest.mark.parametrize(("path", "command"), list(commands(main, "recollect")), ids=str)
def test_every_command_and_option(path: str, command: click.Command) -> None:
    text = reference("cli")
    assert f"`{path}" in text or f"# {path}" in text or f"\n{path}" in text
    options = [name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts]
    assert [name for name in options if name.startswith("--") and name not in text] == []


def test_there_are_commands() -> None:
    assert len(list(commands(main, "recollect"))) > 12


def test_every_route() -> None:
    text = reference("http")
    document = openapi_document()
    routes = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert len(routes) > 20
    assert [route for route in routes if f"`{route[0]} {route[1]}`" not in text] == []


def test_no_route_that_is_none() -> None:
    shown = re.findall(r"^\| `([A-Z]+) (/[^`]*)`", reference("http"), re.MULTILINE)
    paths = openapi_document()["paths"]
    assert [(method, path) for method, path in shown if method.lower() not in paths.get(path, {})] == []


def test_every_provider() -> None:
    text = reference("providers")
    for provider in load_registry().values():
        assert f"| `{provider.name}`" in text, provider.name
        assert provider.base_url in text
        assert all(f"`{name}`" in text for name in (*provider.key_env, *provider.aliases)), provider.name


def test_every_method_and_keyword_of_the_python_client() -> None:
    for place, resource in (
        ("memory", MemoryResource),
        ("memory.memories", MemoriesResource),
        ("memory.conflicts", ConflictsResource),
    ):
        methods = [name for name, _ in inspect.getmembers(resource, inspect.isfunction) if not name.startswith("_")]
        assert missing("python-client", [f"{place}.{name}" for name in methods]) == []
    assert missing("python-client", list(MemoryKeywords.__annotations__)) == []


def test_every_signal_of_recall_is_explained() -> None:
    text = (DOCS / "explanation" / "recall.md").read_text("utf-8")
    names = {*weights.LEXICAL, *weights.DENSE, *weights.LATE}
    assert {name for name in names if f"`{name}`" not in text} == set()
    shown = {
        name
        for row in re.findall(r"^\| (`[a-z_`, ]+`) \| [a-z]", text, re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    assert shown - names - {"low_latency", "balanced", "agentic"} == set()
