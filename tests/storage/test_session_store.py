"""Sessions, their messages and their list."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent_workbench.conversation.messages import Message, Text, ToolCall, ToolResult, user
from agent_workbench.errors import NotFound
from agent_workbench.storage.database import SQLiteStore
from agent_workbench.storage.records import Config, Page, Session

TALK = (
    user("how many files?"),
    Message("assistant", (Text("let me see"), ToolCall("1", "bash", {"command": "ls | wc -l"})), "m", "tool_calls"),
    Message("tool", (ToolResult("1", "forty-two\n", details={"exit": 0}),)),
    Message("assistant", (Text("42 文件系统"),), "m", "end"),
)


def test_a_session_comes_back_with_all_its_fields(store: SQLiteStore, config: Config, session: Session) -> None:
    made = store.sessions.create(
        config.config_id, title="t", user_id="u", workspace="/w", parent_session_id=session.session_id,
        pinned_revision=1, tags={"a": "b"}, settings={"model": {"effort": "high"}, "limits": None},
    )  # fmt: skip
    assert store.sessions.get(made.session_id) == made
    assert (made.status, made.state, made.needs_you, made.cost, made.message_count) == (
        "active",
        "idle",
        False,
        None,
        0,
    )
    assert (made.config_name, made.parent_session_id, made.pinned_revision) == ("demo", session.session_id, 1)
    assert (made.tags, made.settings) == ({"a": "b"}, {"model": {"effort": "high"}, "limits": None})


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"config_id": "no"}, id="config"),
        pytest.param({"parent_session_id": "no"}, id="parent"),
        pytest.param({"pinned_revision": 9}, id="revision"),
    ],
)
def test_a_session_of_something_that_is_not_there_is_refused(
    store: SQLiteStore, config: Config, wrong: dict[str, str]
) -> None:
    with pytest.raises(NotFound):
        store.sessions.create(**{"config_id": config.config_id, **wrong})  # type: ignore[arg-type]
    assert store.sessions.list_sessions()[1] == 0


def test_what_people_said_in_all_sessions_comes_newest_first_and_what_agents_were_told_does_not(
    store: SQLiteStore, config: Config
) -> None:
    for title, said, settings in (
        ("first", "one", {}),
        ("child", "told by an agent", {"agent": "worker"}),
        ("pasted", "x" * 200_000, {}),
        ("second", "two", {}),
    ):
        store.sessions.create(config.config_id, title=title, messages=(user(said), TALK[1]), settings=settings)
    found = [(one.title, one.message.text) for one in store.sessions.said()]
    assert found == [("second", "two"), ("first", "one")]
    assert [one.title for one in store.sessions.said(limit=1)] == ["second"]


def test_messages_come_back_in_order_with_their_places(store: SQLiteStore, config: Config) -> None:
    session = store.sessions.create(config.config_id, messages=TALK)
    stored = store.sessions.messages(session.session_id)
    assert [(one.seq, one.message) for one in stored] == list(enumerate(TALK, 1))
    assert [one.seq for one in store.sessions.messages(session.session_id, after=1, limit=2)] == [2, 3]
    assert session.message_count == 4


def test_the_transcript_is_a_json_array_and_a_view(path: Path, store: SQLiteStore, config: Config) -> None:
    session = store.sessions.create(config.config_id, messages=TALK)
    transcript = store.sessions.transcript(session.session_id)
    assert [entry["role"] for entry in transcript] == ["user", "assistant", "tool", "assistant"]
    assert transcript[1]["parts"][1]["arguments"] == {"command": "ls | wc -l"}
    connection = sqlite3.connect(path)
    count = connection.execute(
        "SELECT json_array_length(transcript) FROM transcripts WHERE session_id = ?", (session.session_id,)
    ).fetchone()[0]
    connection.close()
    assert count == 4
    assert store.sessions.transcript(store.sessions.create(config.config_id).session_id) == []
    assert store.sessions.transcript("no") == []


@pytest.mark.parametrize("statement", ["UPDATE messages SET parts = '[]'", "DELETE FROM messages WHERE seq = 1"])
def test_stored_messages_can_be_neither_changed_nor_removed(
    path: Path, store: SQLiteStore, config: Config, statement: str
) -> None:
    store.sessions.create(config.config_id, messages=TALK)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_deleting_a_session_takes_everything_in_it_and_leaves_its_forks(store: SQLiteStore, config: Config) -> None:
    session = store.sessions.create(config.config_id, messages=TALK)
    fork = store.sessions.create(config.config_id, parent_session_id=session.session_id, messages=TALK[:1])
    store.sessions.begin_turn(session.session_id, "t", user("x"), owner="me", config_revision=1, model="m")
    assert store.sessions.delete(session.session_id) is True
    assert store.sessions.delete(session.session_id) is False
    assert [one.session_id for one in store.sessions.search("files")] == [fork.session_id]
    assert store.sessions.turns(session.session_id) == []
    assert store.sessions.lease(session.session_id) is None
    left = store.sessions.get(fork.session_id)
    assert left is not None
    assert left.parent_session_id is None


def test_only_what_is_given_changes_and_drafts_do_not_move_a_session_up(store: SQLiteStore, session: Session) -> None:
    drafted = store.sessions.update(session.session_id, draft="half a \ud800 thought", needs_you=True)
    assert (drafted.draft, drafted.needs_you, drafted.title) == ("half a \ufffd thought", True, "first")
    assert drafted.updated_at == session.updated_at
    changed = store.sessions.update(
        session.session_id, title="second", status="completed", tags={}, pinned_revision=1, needs_you=False
    )
    assert (changed.title, changed.status, changed.pinned_revision) == ("second", "completed", 1)
    assert changed.updated_at > session.updated_at
    assert (changed.needs_you, changed.draft) == (False, drafted.draft)
    assert store.sessions.update(session.session_id, unpin=True).pinned_revision is None
    with pytest.raises(NotFound):
        store.sessions.update("no", title="x")
    with pytest.raises(NotFound):
        store.sessions.update(session.session_id, pinned_revision=99)


def test_the_list_puts_a_folder_first_and_pages_over_the_seam(store: SQLiteStore, config: Config) -> None:
    for number in range(6):
        store.sessions.create(config.config_id, title=str(number), workspace="/here" if number % 2 else "/there")

    def titles(page: Page) -> list[str]:
        return [one.title for one in store.sessions.list_sessions(page, workspace="/here")[0]]

    assert titles(Page()) == ["5", "3", "1", "4", "2", "0"]
    assert titles(Page(limit=2, offset=2)) == ["1", "4"]
    assert titles(Page(limit=2, offset=4)) == ["2", "0"]
    assert titles(Page(sort="title", descending=False)) == ["1", "3", "5", "0", "2", "4"]
    assert store.sessions.list_sessions(Page(limit=2, offset=2), workspace="/here")[1] == 6


def test_filters_narrow_the_list(store: SQLiteStore, config: Config) -> None:
    other = store.configs.create("other", "a: 1")
    parent = store.sessions.create(config.config_id, title="parent", messages=TALK)
    child = store.sessions.create(other.config_id, title="child", parent_session_id=parent.session_id)
    store.sessions.update(child.session_id, status="failed")

    def titles(**filters: str) -> list[str]:
        found, total = store.sessions.list_sessions(**filters)  # type: ignore[arg-type]
        assert len(found) == total
        return [one.title for one in found]

    assert titles(config_id=other.config_id) == ["child"]
    assert titles(status="active") == ["parent"]
    assert titles(parent_session_id=parent.session_id) == ["child"]
    assert titles(q="forty-two") == ["parent"]
    assert titles(q="CHIL") == ["child"]
    assert titles(q="文件") == ["parent"]
    assert titles(q="nothing like it") == []
    assert titles(q="forty-two", status="failed") == []


@pytest.mark.parametrize(
    ("q", "seqs"),
    [
        pytest.param("files", [1], id="a word"),
        pytest.param("FILES many", [1], id="two words in any order and case"),
        pytest.param("forty-two", [3], id="a tool's answer"),
        pytest.param("文件系统", [4], id="Chinese"),
        pytest.param("文件", [4], id="two Chinese characters"),
        pytest.param("42 文件系统", [4], id="a short and a long word"),
        pytest.param("zq", [], id="two letters that do not occur"),
        pytest.param("see files", [], id="words of different messages"),
    ],
)
def test_messages_are_found_by_their_words(store: SQLiteStore, config: Config, q: str, seqs: list[int]) -> None:
    store.sessions.create(config.config_id, messages=TALK)
    assert [one.seq for one in store.sessions.search(q)] == seqs


def test_the_newest_message_is_found_first(store: SQLiteStore, config: Config) -> None:
    session = store.sessions.create(config.config_id, messages=[user(f"same {number}") for number in range(9)])
    found = store.sessions.search("same", limit=3)
    assert [one.seq for one in found] == [9, 8, 7]
    assert found[0].session_id == session.session_id


INJECTIONS = [
    "", " ", '"', '""', "'", "*", "a*", "NEAR(", "NEAR(a b)", "AND", "OR OR", "NOT x", "name:x", "{name}:x", "^x",
    "a + b",
    "(", ")", "-x", "--", ";", "'; DROP TABLE messages; --", "\0", "abc\0def", "\ud800", "%%%", "___", "~~~", "~",
    "x" * 100_000,
    'say "hello', "a\"b'c", "😀", "\u202e", "col:\"", "messages_fts", "rank", "\n\t",
]  # fmt: skip


@pytest.mark.parametrize("q", INJECTIONS, ids=lambda q: repr(q[:20]))
def test_no_query_is_an_error_or_an_operator(store: SQLiteStore, config: Config, q: str) -> None:
    store.sessions.create(config.config_id, messages=[user("plain")])
    assert store.sessions.search(q) == []
    store.sessions.list_sessions(q=q)
    store.configs.list_configs(q=q, tag=q)
    assert store.sessions.list_sessions()[1] == 1


@pytest.mark.parametrize("word", ['say "hello"', "100%", "a_b", "~x", "NEAR(a", "x'y"])
def test_signs_are_looked_for_as_they_are(store: SQLiteStore, config: Config, word: str) -> None:
    store.sessions.create(config.config_id, messages=[user(f"before {word} after"), user("say hello 1000 aab x y")])
    assert [one.seq for one in store.sessions.search(word)] == [1]


def test_the_start_of_a_very_long_message_is_searchable_and_all_of_it_is_kept(
    store: SQLiteStore, config: Config
) -> None:
    text = "needle " + "x " * 20_000 + "haystack"
    session = store.sessions.create(config.config_id, messages=[user(text)])
    assert [one.message.text for one in store.sessions.search("needle")] == [text]
    assert store.sessions.search("haystack") == []
    store.sessions.delete(session.session_id)
    assert store.sessions.search("needle") == []
