"""What is seen after a key: something looked at before and after it, so that no case passes without the key."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench import Bench

Look = Callable[[Bench], Any]
Step = Callable[[Bench], Awaitable[object]]


@dataclass(frozen=True)
class Seen:
    """What is looked at, and how it must differ from what it was before the key."""

    look: Look
    fits: Callable[[Any, Any], object]


def becomes(look: Look) -> Seen:
    return Seen(look, lambda before, now: now and not before)


def ceases(look: Look) -> Seen:
    return Seen(look, lambda before, now: before and not now)


def changes(look: Look) -> Seen:
    return Seen(look, lambda before, now: before != now)


def grows(look: Look) -> Seen:
    return Seen(look, lambda before, now: now > before)


def shrinks(look: Look) -> Seen:
    return Seen(look, lambda before, now: now < before)


def shown(words: str) -> Seen:
    """Words come to stand on the screen."""
    return becomes(lambda bench: words in bench.shown)


def dialog(title: str) -> Seen:
    """A dialog opens that has words in its title."""
    return becomes(lambda bench: title.lower() in bench.dialog.lower())


def said(words: str) -> Seen:
    """The workbench says words for a few seconds."""
    return becomes(lambda bench: words in bench.news)


def revision(bench: Bench) -> int:
    """Return the revision that the desk's title names."""
    found = re.search(r"rev (\d+)", str(bench.desk.border_title))
    return int(found.group(1)) if found else 0


@dataclass(frozen=True)
class Case:
    """What is seen after a key, and what is done before it."""

    seen: Seen
    before: Step | None = None


@dataclass(frozen=True)
class Place:
    """Where keys are pressed. `there` brings a person there from anywhere."""

    there: Step
    cases: Mapping[str, Case]


def keys(*steps: str) -> Step:
    """Return what presses keys, one after the other."""
    return lambda bench: bench.press(*steps)


async def try_out(bench: Bench, name: str, place: Place) -> None:
    """Press every key of a place and see what it does."""
    for key, case in place.cases.items():
        await bench.home()
        await place.there(bench)
        if case.before is not None:
            await case.before(bench)
        before = case.seen.look(bench)
        assert not case.seen.fits(before, before), f"{key} in {name} would pass without the key"
        await bench.press(key)
        await bench.until(
            lambda case=case, before=before: case.seen.fits(before, case.seen.look(bench)), f"{key} in {name}"
        )
