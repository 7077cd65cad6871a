"""The command `recollect`: subcommands are imported when they are used, so that `--help` is instant."""

from __future__ import annotations

from importlib import import_module

import click

from recollect.errors import RecollectError, SettingsError

COMMANDS = {
    "serve": "Start the gateway.",
    "keys": "Create, list and revoke memory keys.",
    "providers": "Set, list and remove a project's own provider keys.",
    "users": "List, show and erase users.",
    "requests": "List recent requests, and what they took.",
    "usage": "Show what requests took, in tokens and money.",
    "import": "Store conversations from a JSONL file.",
    "export": "Write conversations as JSONL.",
    "search": "Search one user's memory.",
    "memories": "List, add, correct and forget what is known of a user.",
    "graph": "Show who is linked to whom.",
    "conflicts": "Show and settle contradictions.",
    "reprocess": "Derive memories anew.",
    "eval": "Measure recall on what is stored.",
    "doctor": "Check that everything is in place, and say what to do.",
    "config": "Check and show the settings, and take those of other gateways over.",
    "chat": "Talk to a model through the gateway, in the terminal.",
}
USAGE_ERROR = 2


class LazyGroup(click.Group):
    """Knows its commands by name, and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of a first day with Recollect."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"recollect.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run; our own errors become one line on standard error."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo("\n".join(f"Error: {problem}" for problem in error.problems), err=True)
            ctx.exit(USAGE_ERROR)
        except RecollectError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recollect")
def main() -> None:
    """A self-hosted, OpenAI-compatible memory gateway.

    \b
    recollect serve                          start it on http://127.0.0.1:8000
    recollect keys create --name my-app      make a memory key
    recollect chat                           talk to it
    """
