"""The full-text index stays in step with what it indexes, whatever happens to the rows."""

from __future__ import annotations

import random

import pytest

from agent_workbench.conversation.messages import Message, Text, ToolCall, ToolResult, user
from agent_workbench.storage import search
from agent_workbench.storage.database import SQLiteStore

INDEXES = [("configs_fts", "config_words", "name, description, body"), ("messages_fts", "message_words", "words")]


def entries(store: SQLiteStore, table: str, view: str, columns: str) -> tuple[set[tuple[object, ...]], ...]:
    """Return what the index holds and what one made afresh from the rows would hold: term, row, column, offset."""
    with store.database.exclusive() as connection:
        connection.execute(f"CREATE VIRTUAL TABLE temp.fresh USING fts5({columns}, content='', tokenize='trigram')")
        connection.execute(f"INSERT INTO temp.fresh (rowid, {columns}) SELECT * FROM {view}")
        connection.execute(f"CREATE VIRTUAL TABLE temp.kept_terms USING fts5vocab(main, {table}, instance)")
        connection.execute("CREATE VIRTUAL TABLE temp.fresh_terms USING fts5vocab(temp, fresh, instance)")
        found = [{tuple(row) for row in connection.execute(f"SELECT * FROM {one}_terms")} for one in ("kept", "fresh")]
        for name in ("kept_terms", "fresh_terms", "fresh"):
            connection.execute(f"DROP TABLE temp.{name}")
        return tuple(found)


def test_the_index_agrees_after_a_hundred_random_changes(store: SQLiteStore) -> None:
    chance = random.Random(3)
    texts = ["alpha beta", "世界 wörld", "", "a\nb", "x" * 20_000, "emoji 😀 \ufffd", "y" * 70_000]
    configs, sessions = [store.configs.create("first", "a: 1").config_id], [""]
    for _ in range(100):
        match chance.randrange(5):
            case 0:
                configs.append(store.configs.create(chance.choice(texts), chance.choice(texts)).config_id)
            case 1:
                one, name, text = chance.choice(configs), chance.choice(texts), chance.choice(texts)
                store.configs.update(one, name=name, yaml_content=text, description=text[:9])
            case 2:
                said = chance.choice(texts)
                answer = Message("tool", (ToolResult("1", said), ToolResult("2", "")))
                call = Message("assistant", (Text(said), ToolCall("1", "t", {"text": said})))
                made = store.sessions.create(chance.choice(configs), messages=[user(said), call, answer])
                sessions.append(made.session_id)
            case 3:
                store.sessions.delete(sessions.pop(chance.randrange(len(sessions))) if len(sessions) > 5 else "")
            case _ if len(configs) > 3:
                store.configs.delete(configs.pop(chance.randrange(len(configs))), force=True)
    store.sessions.create(configs[0], messages=[user("something to find")])
    for index in INDEXES:
        kept, fresh = entries(store, *index)
        assert kept == fresh
        assert kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", search.Query(), id="nothing"),
        pytest.param(" \t\n", search.Query(), id="blanks"),
        pytest.param("one", search.Query(("one",), '"one"'), id="a word"),
        pytest.param('a"b c', search.Query(('a"b', "c"), '"a""b"', ("%c%",)), id="a quote and a short word"),
        pytest.param("x OR y", search.Query(("x", "OR", "y"), "", ("%x%", "%OR%", "%y%")), id="operators are words"),
        pytest.param("50%", search.Query(("50%",), '"50%"'), id="a sign in a long word"),
        pytest.param("5_", search.Query(("5_",), "", ("%5~_%",)), id="a sign in a short word"),
        pytest.param("a\0b \ud800", search.Query(("a", "b"), "", ("%a%", "%b%")), id="what cannot be stored"),
    ],
)
def test_what_is_typed_becomes_a_query(text: str, expected: search.Query) -> None:
    assert search.parse(text) == expected
    assert search.parse(text).is_empty is (not expected.words)


LONG = "one two three four five six seven eight nine ten eleven twelve " * 3


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        pytest.param("a needle here", "needle", "a needle here", id="a short text is whole"),
        pytest.param(f"{LONG}NEEDLE\n\n{LONG}", "needle", "nine ten eleven twelve NEEDLE one two", id="around it"),
        pytest.param(f"needle {LONG} big needle", "big needle", "eleven twelve big needle", id="the phrase first"),
        pytest.param(f"a {LONG} longest", "a longest", "twelve longest", id="the longest of words apart"),
        pytest.param("nothing of it", "needle", "nothing of it", id="the beginning where none is there"),
        pytest.param("", "needle", "", id="no text"),
        pytest.param("a (b) c", "(b)", "a (b) c", id="no pattern"),
    ],
)
def test_an_excerpt_is_one_line_around_what_was_found(text: str, words: str, expected: str) -> None:
    found = search.excerpt(text, search.parse(words))
    assert expected in found
    assert "\n" not in found
    assert len(found) <= search.AROUND + 2


def test_each_session_is_found_at_its_newest_message_that_holds_the_words(store: SQLiteStore) -> None:
    config = store.configs.create("c", "a: 1").config_id
    first = store.sessions.create(config, messages=[user("a red fox"), user("a red dog"), user("a cat")]).session_id
    other = store.sessions.create(config, title="red", messages=[user("nothing")]).session_id
    third = store.sessions.create(config, messages=[Message("tool", (ToolResult("1", "red paint"),))]).session_id
    hits = store.sessions.hits("red", [first, other, third])
    assert {id: (hit.seq, hit.excerpt) for id, hit in hits.items()} == {
        first: (2, "a red dog"),
        third: (1, "red paint"),
    }
    assert set(store.sessions.hits("red", [other, third])) == {third}
    assert store.sessions.hits("", [first]) == {}
    assert store.sessions.hits("re", [first])[first].seq == 2
