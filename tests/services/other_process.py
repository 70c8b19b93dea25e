"""What the tests of sessions run in processes of their own; importable there without pytest.

    python other_process.py DATABASE WORKSPACE SESSION WHAT [TEXT]

`say` runs a turn with TEXT and prints each event's name; `hang` does so until killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import ReplyFinished, TextDelta, ToolFinished
from agent_workbench.services.shared import open_workbench


def shown(event: object) -> str:
    """Return a line that says what was shown."""
    match event:
        case TextDelta(text):
            return f"text\t{text!r}"
        case ToolFinished(call, result):
            return f"tool\t{call.call_id}\t{result.content!r}"
        case ReplyFinished(message):
            return f"reply\t{message.text!r}"
        case _:
            return str(event_to_json(event)["type"])  # type: ignore[arg-type]


async def say(database: str, workspace: str, session_id: str, text: str, lease_s: str = "30") -> None:
    """Run a turn, printing what is shown, and then whatever was left for this process meanwhile."""
    bench = open_workbench(Path(database), workspace=Path(workspace), samples=False, lease_s=float(lease_s))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, text)
    while bench.sessions.is_running(session_id) or following.pending:
        print(shown(await anext(following)), flush=True)
    await bench.close()


def say_into(database: Path, workspace: Path, session_id: str, text: str, lease_s: float, pipe: Connection) -> None:
    """Run a turn and send what is shown, each line with the moment at which it was."""

    async def work() -> None:
        bench = open_workbench(database, workspace=workspace, samples=False, lease_s=lease_s)
        following = bench.sessions.follow(session_id)
        bench.sessions.start(session_id, text)
        while bench.sessions.is_running(session_id) or following.pending:
            event = await anext(following)
            pipe.send((time.monotonic(), shown(event)))
        await bench.close()

    asyncio.run(work())


if __name__ == "__main__":
    asyncio.run(say(*sys.argv[1:]))
