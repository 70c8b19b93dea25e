"""The root of the command line: finds a group when it is asked for, and turns failures into lines and exit codes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from agent_workbench import __version__
from agent_workbench.configs.words import nearest
from agent_workbench.errors import (
    Ambiguous,
    ConfigError,
    Conflict,
    NotFound,
    PermissionRuleError,
    UsageError,
    WorkbenchError,
)
from agent_workbench.frontends.cli.examples import epilog
from agent_workbench.frontends.cli.opening import Settings, choose_database
from agent_workbench.frontends.cli.output import narrate, show_problems

#: What each name does, here so that the list of commands needs none of their modules.
COMMANDS: Mapping[str, str] = {
    "run": "Send one prompt to an agent and print its answer.",
    "config": "Make, edit, check and explain configs.",
    "session": "List, read, fork and export sessions.",
    "workspace": "List, read, rename and delete workspaces: panes kept under a name.",
    "usage": "Add up what was used, by day, config, session or model.",
    "provider": "List providers, test them, ask for their models.",
    "key": "Keep API keys in the system's keyring.",
    "module": "List the modules that a config can name.",
    "permissions": "Ask what a tool call would be decided as.",
    "template": "List and print the samples to start from.",
    "serve": "Answer HTTP requests: configs, sessions, OpenAI's protocol.",
    "doctor": "Check this installation and say what is missing.",
    "backup": "Write everything to one file, to keep or to take along.",
    "completion": "Print what makes a shell complete commands and names.",
}

#: Exit codes, the first that fits. Source: the command-line contract (0 fine, 1 failed, 130 interrupted besides).
EXIT_CODES: Sequence[tuple[type[WorkbenchError], int]] = (
    (UsageError, 2), (Ambiguous, 2), (ConfigError, 3), (PermissionRuleError, 3), (NotFound, 4), (Conflict, 5),
    (WorkbenchError, 1),
)  # fmt: skip
INTERRUPTED = 130
#: The variable that a shell sets while it asks what could be typed.
COMPLETING = "_AWB_COMPLETE"


class Root(click.Group):
    """A group whose commands live in modules of the same name, imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"agent_workbench.frontends.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        for name, one in {cmd_name: command, **_parts(cmd_name, command)}.items():
            one.epilog = epilog(name)
            if COMPLETING in os.environ:
                import_module("agent_workbench.frontends.cli.completion").complete(one)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; one that is not known is told with the nearest, or with how to send a prompt."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = nearest(name, COMMANDS)
        hint = f"did you mean `awb {near}`?" if near else f"`awb run {shlex.quote(name)}` sends it as a prompt"
        ctx.fail(f"there is no command {name!r}; {hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, show what failed in one line, and exit with the contract's code."""
        extra["standalone_mode"] = False
        if COMPLETING in os.environ:
            import_module("agent_workbench.frontends.cli.completion").complete(self)
        try:
            code = super().main(args, prog_name, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except WorkbenchError as error:
            report(error)
            code = exit_code(error)
        sys.exit(code if isinstance(code, int) else 0)


def _parts(name: str, command: click.Command) -> dict[str, click.Command]:
    parts = command.commands if isinstance(command, click.Group) else {}
    return {f"{name} {part}": one for part, one in parts.items()}


def exit_code(error: WorkbenchError) -> int:
    """Return the contract's exit code for a failure."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def report(error: WorkbenchError) -> None:
    """Say on stderr what failed; a config's problems follow with their places."""
    problems = error.problems if isinstance(error, ConfigError) else ()
    narrate(f"{error.title}: {error}")
    if len(problems) > 1 or (problems and problems[0].message not in str(error)):
        show_problems(problems)


@click.group(
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""{epilog("")}

\b
Data goes to stdout, the rest to stderr; --json prints data as JSON.
Exit codes: 0 fine, 1 failed, 2 not understood, 3 a config has errors,
4 not found, 5 conflict, 130 interrupted.""",
)
@click.version_option(__version__, prog_name="Agent Workbench")
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="The database to use, instead of AWB_DB or the usual one.",
    callback=choose_database,
    expose_value=False,
    is_eager=True,
)
@click.option("--workspace", default="", metavar="NAME", help="Open with the panes that were kept under this name.")
@click.pass_context
def cli(context: click.Context, workspace: str) -> None:
    """Author AI agents as YAML and run them, side by side.

    Without a command, the workbench opens in this terminal.
    """
    if context.invoked_subcommand is not None:
        if workspace:
            raise UsageError("--workspace opens the workbench; leave it out before a command")
        return
    settings = context.find_object(Settings)
    if settings is None or settings.open_screen is None:
        raise click.UsageError("name a command", context)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the workbench needs a terminal; `awb run` answers in a script, `awb --help` lists the rest")
    settings.open_screen(settings.database, workspace)
