"""Waiting for what must not be left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def through(work: Coroutine[Any, Any, T]) -> T:
    """Await something to its end, however often this task is cancelled meanwhile, and only then be cancelled.

    Its failure is raised, unless the task was cancelled meanwhile.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # taken note of: being cancelled is what the caller hears of
    raise cancelled


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they are gone; what they raise is not looked at."""
    for task in tasks:
        task.cancel()
    await through(_all(tasks))


async def _all(tasks: tuple[asyncio.Task[Any], ...]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
