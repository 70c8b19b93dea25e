"""`awb serve`: the workbench over HTTP."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.opening import Serving, Settings, with_workbench
from agent_workbench.frontends.cli.output import narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--no-auth", is_flag=True, help="Ask nobody for the token; only on this machine's own addresses.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Answer under this name, too. May be repeated.")
@click.option("--allow-origin", multiple=True, metavar="URL", help="Let this web page call us. May be repeated.")
@click.option(
    "--max-turns", type=click.IntRange(1), default=64, show_default=True, help="How many turns run at a time."
)
@click.option(
    "--approval-timeout", type=click.FloatRange(0), default=60.0, show_default=True, metavar="SECONDS",
    help="Deny what no client allowed or denied by then.",
)  # fmt: skip
@click.option(
    "--session-timeout", type=click.FloatRange(1), metavar="MINUTES",
    help="Close the sessions of clients that are idle for longer; the next message goes on.",
)  # fmt: skip
@with_workbench
async def command(
    bench: SharedContext,
    host: str,
    port: int,
    no_auth: bool,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    max_turns: int,
    approval_timeout: float,
    session_timeout: float | None,
) -> None:
    """Answer HTTP requests: configs, sessions, and agents in OpenAI's protocol.

    Listens on this machine alone unless told otherwise. Clients send the token of the file `server-token`, which is
    made at the first start: `curl -H "Authorization: Bearer $(cat FILE)"`.
    """
    if no_auth and not _is_loopback(host):
        raise UsageError(f"--no-auth would let everybody in who reaches {host}; it is for 127.0.0.1 alone")
    start = click.get_current_context().ensure_object(Settings).start_server
    if start is None:
        raise click.UsageError("this program has no server")
    serving = Serving(
        host=host, port=port, auth=not no_auth, hosts=allow_host, origins=allow_origin, max_turns=max_turns,
        approval_s=approval_timeout, idle_s=session_timeout * 60 if session_timeout else None,
    )  # fmt: skip
    await start(bench, serving, narrate)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
