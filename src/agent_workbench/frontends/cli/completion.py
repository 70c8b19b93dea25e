"""`awb completion`: the shell completes commands, options, and the names of configs, sessions and workspaces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from agent_workbench import paths
from agent_workbench.configs.words import counted
from agent_workbench.errors import WorkbenchError
from agent_workbench.frontends.cli.opening import Settings
from agent_workbench.frontends.cli.output import emit

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext

#: How many sessions are offered; the newest are those that somebody means.
SESSIONS = 20


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options, configs, sessions and workspaces of `awb`."""
    from agent_workbench.frontends.cli.app import COMPLETING

    kind = get_completion_class(shell)
    assert kind is not None  # the choices are those that click ships
    emit(kind(context.find_root().command, {}, "awb", COMPLETING).source())


class Stored(click.types.StringParamType):
    """A text that the shell completes from what is stored. It is read as it is."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that fit; none where the database cannot be read. It is never made for this."""
        settings = ctx.find_object(Settings) or Settings()
        path = settings.database or paths.database_path()
        if not path.exists():
            return []
        try:
            found = asyncio.run(_names(settings, self.kind))
        except WorkbenchError:
            return []
        items = [CompletionItem(name, help=about) for name, about in found if name.startswith(incomplete)]
        if self.kind == "config" and ("/" in incomplete or not items):
            return [CompletionItem(incomplete, type="file")]
        return items


async def _names(settings: Settings, kind: str) -> list[tuple[str, str]]:
    from agent_workbench.services.shared import open_workbench

    bench = open_workbench(settings.database, samples=False)
    try:
        return await _LISTED[kind](bench)
    finally:
        await bench.close()


async def _configs(bench: SharedContext) -> list[tuple[str, str]]:
    found, _ = await bench.configs.list_configs()
    return [(one.name, one.description or "") for one in found]


async def _sessions(bench: SharedContext) -> list[tuple[str, str]]:
    found, _ = await bench.sessions.list_sessions(limit=SESSIONS)
    return [("last", "the newest of this folder"), *((one.session_id, one.title) for one in found)]


async def _workspaces(bench: SharedContext) -> list[tuple[str, str]]:
    from agent_workbench.services.arrangements import arrangements

    return [(name, counted(len(kept.sessions), "pane")) for name, kept in (await arrangements(bench)).items()]


#: By the name of the parameter that is completed: what lists what is there.
_LISTED = {"config": _configs, "session": _sessions, "workspace": _workspaces}


def complete(command: click.Command) -> None:
    """Let the parameters of a command that name a config, a session or a workspace be completed."""
    parameters: list[Any] = [one for one in command.params if one.name in _LISTED]
    for parameter in parameters:
        if isinstance(parameter.type, click.types.StringParamType):
            parameter.type = Stored(parameter.name)
