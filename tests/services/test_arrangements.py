"""Arrangements of panes: kept under names, whoever else keeps some."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from services_kit import config_text, session_of

from agent_workbench.errors import Conflict, NotFound, UsageError
from agent_workbench.services.arrangements import (
    KEY,
    Arrangement,
    arrangement_now,
    arrangements,
    find_arrangement,
    forget_arrangement,
    keep_arrangement,
    rename_arrangement,
    sessions_of,
)
from agent_workbench.services.shared import SharedContext, open_workbench

ONE = Arrangement(config="c", sessions=("a", "b"), active=1, layout={"zoom": True})


async def test_arrangements_that_are_kept_at_the_same_time_are_all_there(bench: SharedContext, tmp_path: Path):
    other = open_workbench(bench.database, workspace=tmp_path)
    try:
        both = (bench, other)
        await asyncio.gather(*(keep_arrangement(both[n % 2], f"n{n}", Arrangement()) for n in range(12)))
        assert set(await arrangements(other)) == {f"n{n}" for n in range(12)}
        await asyncio.gather(
            *(forget_arrangement(both[n % 2], f"n{n}") for n in range(11)), keep_arrangement(bench, "n11", ONE)
        )
        assert await arrangements(bench) == {"n11": ONE}
    finally:
        await other.close()


async def test_an_arrangement_comes_back_as_it_was_kept(bench: SharedContext):
    await keep_arrangement(bench, "one", ONE)
    assert await find_arrangement(bench, "one") == arrangement_now(bench, "one") == ONE


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ({"config": None, "sessions": ["a"], "active": 0, "zoom": True}, Arrangement("", ("a",), 0, {"zoom": True})),
        ({"sessions": ["a", 1, None], "active": -3, "layout": {}}, Arrangement("", ("a",), 0, {})),
        ({"sessions": "abc", "active": "x", "layout": []}, Arrangement(layout={"zoom": False})),
        (None, Arrangement(layout={"zoom": False})),
    ],
    ids=["kept by an older version", "ids that are none", "nothing of its kind", "nothing"],
)
async def test_what_is_stored_is_read_as_far_as_it_makes_sense(bench: SharedContext, stored: object, read: Arrangement):
    await bench.remembered.keep(KEY, {"one": stored})
    assert await find_arrangement(bench, "one") == read


async def test_a_renamed_arrangement_is_the_same_under_another_name(bench: SharedContext):
    await keep_arrangement(bench, "one", ONE)
    await rename_arrangement(bench, "one", "two")
    assert await arrangements(bench) == {"two": ONE}
    await rename_arrangement(bench, "two", "two")
    assert await arrangements(bench) == {"two": ONE}


@pytest.mark.parametrize(
    ("name", "new", "error", "said"),
    [
        ("revew", "x", NotFound, "did you mean review"),
        ("zzzz", "x", NotFound, "awb workspace list"),
        ("review", "other", Conflict, "other already"),
        ("review", "", UsageError, "needs a name"),
    ],
    ids=["a slip", "none like it", "a name that is taken", "no name"],
)
async def test_a_name_that_cannot_be_is_refused_and_nothing_changes(
    bench: SharedContext, name: str, new: str, error: type[Exception], said: str
):
    for one in ("review", "other"):
        await keep_arrangement(bench, one, ONE)
    with pytest.raises(error, match=said):
        await rename_arrangement(bench, name, new)
    assert set(await arrangements(bench)) == {"review", "other"}


async def test_sessions_that_were_deleted_are_left_out(bench: SharedContext):
    first = await session_of(bench, config_text("hi"))
    forks = [await bench.sessions.fork_session(first) for _ in range(2)]
    made = [first, *(one.session_id for one in forks)]
    await bench.sessions.delete_session(made[1])
    kept = Arrangement(sessions=tuple(made))
    assert [one.session_id for one in await sessions_of(bench, kept)] == [made[0], made[2]]
