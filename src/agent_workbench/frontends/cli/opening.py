"""Opening the workbench for one command, and closing it whatever happens."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agent_workbench.errors import UsageError

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext

Result = TypeVar("Result")
AsyncCommand = Callable[..., Awaitable[Any]]


@dataclass
class Settings:
    """What the options before a command's own decide."""

    database: Path | None = None
    overrides: dict[str, str] = field(default_factory=dict)
    """A URI or its prefix → a local folder (`--source URI=PATH`)."""
    open_screen: Callable[[Path | None, str], None] | None = None
    """Opens the screen on a database, with the workspace of a name where one is given.

    The program hands it in, because front ends do not know each other.
    """
    start_server: Callable[[SharedContext, Serving, Callable[[str], None]], Awaitable[None]] | None = None
    """Serves until cancelled and says so through the last argument; handed in, too."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve."""

    host: str
    port: int
    auth: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    max_turns: int
    approval_s: float
    idle_s: float | None


def choose_database(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    """Remember `--db`, wherever it stands. Its folder must be there: a slip in a path is no wish for a new database."""
    if value is not None:
        folder = value.expanduser().absolute().parent
        if not folder.is_dir():
            raise click.BadParameter(f"there is no folder {folder}; make it first", context, parameter)
        context.ensure_object(Settings).database = value


def choose_sources(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    """Remember `--source URI=PATH`."""
    for item in value:
        uri, equals, folder = item.rpartition("=")
        if not (equals and uri and folder):
            raise click.BadParameter(f"{item!r} is not URI=PATH", context, parameter)
        context.ensure_object(Settings).overrides[uri] = str(Path(folder).expanduser().resolve())


database_option = click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="The database to use.",
    callback=choose_database,
    expose_value=False,
    hidden=True,
)

sources_option = click.option(
    "--source",
    multiple=True,
    metavar="URI=PATH",
    help="Take this include (or prefix of includes) from a local folder.",
    callback=choose_sources,
    expose_value=False,
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_workbench(command: AsyncCommand) -> Callable[..., Any]:
    """Make a command of a coroutine whose first argument is the opened workbench."""

    @database_option
    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        import asyncio  # 25 ms that `--help` does without

        settings = click.get_current_context().ensure_object(Settings)
        return asyncio.run(_interruptible(_opened(settings, command, args, kwargs)))

    return run


async def _opened(settings: Settings, command: AsyncCommand, args: Any, kwargs: Any) -> Any:
    from agent_workbench.services.shared import open_workbench

    bench: SharedContext = open_workbench(settings.database, source_overrides=settings.overrides or None)
    try:
        return await command(bench, *args, **kwargs)
    finally:
        await bench.close()


async def _interruptible(work: Awaitable[Any]) -> Any:
    """Let a polite end (SIGTERM, SIGHUP) close what is open, then exit as a shell expects: 128 and the signal."""
    import asyncio

    task = asyncio.ensure_future(work)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise click.exceptions.Exit(128 + received[0]) from None


async def in_thread(call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Run what blocks beside the event loop."""
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)


def key_values(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """Read `key=value` options.

    Raises:
        UsageError: If one has no `=`.
    """
    read = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (equals and key):
            raise UsageError(f"{option} takes key=value, not {pair!r}")
        read[key] = value
    return read
