"""Processes that may be killed at any moment, and that cost little: forked from one that has imported the program.

The server is started by the first of them and lives as long as the tests do. It has one thread and no connection, so
that forking it is safe.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([
    "__main__", "agent_workbench.services.shared", "agent_workbench.engine.loop", "agent_workbench.engine.tools.files",
    "agent_workbench.engine.tools.filesystem", "agent_workbench.engine.providers.mock", "jsonschema", "referencing",
    "filelock", "importlib.metadata",
])  # fmt: skip


def started(work: Callable[..., object], *arguments: Any) -> tuple[BaseProcess, Connection]:
    """Start a process that does the work; it gets the arguments and, last, a pipe whose other end is returned.

    The pipe ends when the process does, however it ends.
    """
    here, there = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=work, args=(*arguments, there), daemon=True)
    process.start()
    there.close()
    return process, here


def left_in(pipe: Connection) -> list[Any]:
    """Return what a process that is gone had still sent; what it was cut off in is not there."""
    found = []
    try:
        while True:
            found.append(pipe.recv())
    except EOFError:
        pipe.close()
    return found
