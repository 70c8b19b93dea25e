"""Stopping means all of it: what a program started and what left its process group."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from agent_workbench.engine.tools.processes import clean_environment, run_program

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs /proc and process descriptors")

WAITS = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid(), flush=True)\nsignal.pause()"
ESCAPES = {
    "a session of its own": "os.fork() == 0 and os.setsid()",
    "a double fork": "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)",
    "a wiped environment": (
        "if not os.fork():\n os.setsid()\n "
        "os.execve(sys.executable, [sys.executable, '-c', 'import os\\n' + waits], {})"
    ),
    "an environment of its own": (
        "if not os.fork():\n os.setsid(); os.fork() and os._exit(0)\n "
        "os.execve(sys.executable, [sys.executable, '-c', 'import os\\n' + waits], {**os.environ, 'A': 'b'})"
    ),
}


async def started(folder: Path, escape: str) -> tuple[asyncio.Task[object], list[int]]:
    """Run a program whose child escapes; return once both said who they are."""
    script = f"import os, sys\nwaits = {WAITS!r}\nif os.fork() == 0:\n exec({escape!r})\n exec(waits)\nexec(waits)"
    heard, printed = asyncio.Event(), [""]

    def emit(text: str) -> None:
        printed[0] += text
        if printed[0].count("\n") >= 2:
            heard.set()

    argv = [sys.executable, "-c", script]
    task = asyncio.create_task(run_program(argv, folder=folder, environment=clean_environment(), timeout=60, emit=emit))
    async with asyncio.timeout(20):
        await heard.wait()
    return task, [int(line) for line in printed[0].split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pids: list[int]) -> None:
    """Wait until none runs."""
    async with asyncio.timeout(20):
        while any(map(is_running, pids)):  # noqa: ASYNC110 - the kernel takes a moment to end what was killed
            await asyncio.sleep(0)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES.keys())
async def test_what_left_the_process_group_is_gone_when_its_program_was_stopped(tmp_path: Path, escape: str) -> None:
    task, pids = await started(tmp_path, escape)
    assert all(map(is_running, pids))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await gone(pids)


async def test_what_a_program_left_behind_on_purpose_stays_when_it_ended_by_itself(tmp_path: Path) -> None:
    script = "import os\nif os.fork() == 0:\n os.setsid(); os.close(1); os.close(2)\n import signal; signal.pause()\n"
    script = script.replace(
        "import signal; ", "import signal, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); "
    )
    script += "import pathlib, time\nwhile not pathlib.Path('pid').exists(): time.sleep(0.01)\n"
    done = await run_program(
        [sys.executable, "-c", script], folder=tmp_path, environment=clean_environment(), timeout=60
    )
    pid = int((tmp_path / "pid").read_text())
    try:
        assert (done.code, is_running(pid)) == (0, True)
    finally:
        os.kill(pid, 9)


async def test_a_program_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    one, ones = await started(tmp_path, "os.setsid()")
    other, others = await started(tmp_path, "os.setsid()")
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    await gone(ones)
    assert all(map(is_running, others))
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
