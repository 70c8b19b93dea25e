"""What is told as it happens, and what is read of it afterwards, is known to be the same by its key."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services_kit import config_text, session_of, until

from agent_workbench.conversation.events import Event, Notice, TurnFinished
from agent_workbench.conversation.messages import Message, Text
from agent_workbench.services import console
from agent_workbench.services.hub import Following
from agent_workbench.services.notices import notices
from agent_workbench.services.shared import SharedContext, open_workbench
from agent_workbench.services.workspace import attachment

FAILING = config_text("fine", {"fault": "auth"})


async def keys_until_the_end(following: Following) -> dict[str, Event]:
    """Return the notices and the end of the next turn by their keys."""
    found: dict[str, Event] = {}
    async with asyncio.timeout(20):
        async for event in following:
            if isinstance(event, Notice | TurnFinished):
                found[following.key] = event
            if isinstance(event, TurnFinished):
                break
    return found


async def _fails_with_a_changed_config(bench: SharedContext, session_id: str) -> None:
    session = await bench.sessions.find_session(session_id)
    config = await bench.configs.find_config(session.config_id)
    text = config.yaml_content.replace("- module: tool-filesystem", "- module: tool-todo")
    await bench.configs.update_config(config.config_id, yaml_content=text)
    bench.sessions.start(session_id, "and now?")


async def test_a_notice_and_a_failed_end_are_told_and_read_under_one_key(bench: SharedContext):
    session_id = await session_of(bench, FAILING)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "hi")
    good = await keys_until_the_end(following)
    assert len(good) == 1
    assert await notices(bench, session_id) == []
    await _fails_with_a_changed_config(bench, session_id)
    told = await keys_until_the_end(following)
    read = {one.key: one.notice.text for one in await notices(bench, session_id)}
    assert len(read) == 2
    assert {key: getattr(event, "text", "") or getattr(event, "error", "") for key, event in told.items()} == read


async def test_another_process_tells_them_under_the_same_keys(bench: SharedContext, tmp_path: Path):
    session_id = await session_of(bench, FAILING)
    await bench.sessions.send_message(session_id, "hi")
    there = open_workbench(tmp_path / "bench.db", workspace=bench.workspace, samples=False)
    try:
        following = there.sessions.follow(session_id)
        await _fails_with_a_changed_config(bench, session_id)
        told = await keys_until_the_end(following)
        assert set(told) == {one.key for one in await notices(bench, session_id)}
    finally:
        await there.close()


async def test_what_is_not_stored_has_no_key(bench: SharedContext):
    session_id = await session_of(bench, FAILING)
    following = bench.sessions.follow(session_id)
    await bench.sessions.change_settings(session_id, permission_mode="plan")
    await until(following, Notice)
    assert following.key == ""


async def test_a_session_is_called_by_what_was_said_and_not_by_the_files_sent_along(bench: SharedContext):
    session_id = await session_of(bench, FAILING)
    (bench.workspace / "notes.txt").write_text("one\n")
    file = attachment(bench.workspace / "notes.txt", "notes.txt")
    await bench.sessions.send_message(session_id, Message("user", (Text("look at @notes.txt"), file)))
    assert (await bench.sessions.find_session(session_id)).title == "look at @notes.txt"


async def test_the_console_says_a_notice_in_its_words_and_counts_as_people_do(bench: SharedContext):
    session_id = await session_of(bench, config_text({"text": "This was", "stop_reason": "max_tokens"}))
    await bench.sessions.send_message(session_id, "hi")
    about = {entry.kind: entry.about for entry in await console.entries(bench, session_id)}
    assert about["notice"].startswith("the reply was cut off by its token limit")
    assert about["turn"].endswith("1 step")
    assert "severity" not in about["notice"]
