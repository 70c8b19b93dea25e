"""Configs, their revisions and their list."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.errors import InUse, NotFound, RevisionConflict, UsageError
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Config, Page, Session


def names(store: SQLiteStore, page: Page = Page(), *, q: str = "", tag: str = "") -> list[str]:
    return [config.name for config in store.configs.list_configs(page, q=q, tag=tag)[0]]


def test_a_config_comes_back_byte_for_byte(store: SQLiteStore) -> None:
    text = "\ufeffbundle:\r\n  name: 'x'   # trailing  \r\n\ttab: \u2028 é 検索 😀\r\n\n\n"
    created = store.configs.create("x", text, tags={"a": "1"})
    assert store.configs.get(created.config_id) == created
    assert (created.yaml_content, created.size, created.revision, created.description) == (text, len(text), 1, None)
    assert created.created_at.tzinfo is not None


def test_the_table_has_the_columns_that_scripts_know(path: Path, store: SQLiteStore, config: Config) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    row = connection.execute(
        "SELECT config_id, name, description, yaml_content, created_at, updated_at, tags FROM configs"
    ).fetchone()
    connection.close()
    assert row[:4] == (config.config_id, "demo", "a demo", config.yaml_content)
    assert row[6] == '{"team":"red"}'


def test_a_changed_text_is_a_new_revision_and_an_equal_one_is_not(store: SQLiteStore, config: Config) -> None:
    same = store.configs.update(config.config_id, yaml_content=config.yaml_content)
    renamed = store.configs.update(config.config_id, name="other", description="", tags={"b": "2"})
    changed = store.configs.update(config.config_id, yaml_content="a: 1", author="me", note="why", expected_revision=1)
    assert (same, renamed.revision, changed.revision) == (config, 1, 2)
    assert (changed.name, changed.description, changed.tags) == ("other", "", {"b": "2"})
    kept = store.configs.revisions(config.config_id)
    assert [(one.revision, one.yaml_content, one.author, one.note) for one in kept] == [
        (2, "a: 1", "me", "why"),
        (1, config.yaml_content, "", ""),
    ]
    assert kept[0].content_hash == changed.content_hash != config.content_hash
    assert store.configs.revision(config.config_id, 1) == kept[1]
    assert store.configs.revision(config.config_id, 3) is None
    assert changed.updated_at > config.updated_at


def test_the_second_editor_is_told_what_is_there_and_nothing_is_lost(
    path: Path, store: SQLiteStore, config: Config
) -> None:
    other = open_store(path)
    other.configs.update(config.config_id, yaml_content="theirs: 1", expected_revision=1)
    with pytest.raises(RevisionConflict) as caught:
        store.configs.update(config.config_id, yaml_content="mine: 1", expected_revision=1)
    other.close()
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    found = store.configs.get(config.config_id)
    assert found is not None
    assert found.yaml_content == "theirs: 1"


def test_what_is_not_there_is_not_found(store: SQLiteStore) -> None:
    assert store.configs.get("no") is None
    assert store.configs.get("\ud800") is None
    assert store.configs.delete("no") is False
    assert store.configs.prune("no", keep=1) == 0
    with pytest.raises(NotFound):
        store.configs.update("no", name="x")


def test_a_config_in_use_is_deleted_only_by_force_and_then_with_its_sessions(
    store: SQLiteStore, config: Config, session: Session
) -> None:
    with pytest.raises(InUse, match="1 session uses"):
        store.configs.delete(config.config_id)
    assert store.configs.list_configs()[0][0].sessions == 1
    assert store.configs.delete(config.config_id, force=True) is True
    assert store.sessions.get(session.session_id) is None
    assert store.configs.revisions(config.config_id) == []


def test_pruning_keeps_the_newest_and_the_pinned(store: SQLiteStore, config: Config) -> None:
    for number in range(2, 8):
        store.configs.update(config.config_id, yaml_content=f"a: {number}")
    pinned = store.sessions.create(config.config_id, pinned_revision=2)
    assert store.configs.prune(config.config_id, keep=3) == 3
    assert [one.revision for one in store.configs.revisions(config.config_id)] == [7, 6, 5, 2]
    store.sessions.update(pinned.session_id, unpin=True)
    assert store.configs.prune(config.config_id, keep=0) == 3
    assert [one.revision for one in store.configs.revisions(config.config_id)] == [7]


def test_names_need_not_be_unique_and_find_gives_the_newest_first(store: SQLiteStore, config: Config) -> None:
    second = store.configs.create("demo", "b: 1")
    store.configs.create("Demo", "c: 1")
    assert [found.config_id for found in store.configs.find("demo")] == [second.config_id, config.config_id]


def test_the_list_pages_sorts_and_counts(store: SQLiteStore) -> None:
    for name in ("b", "C", "a"):
        store.configs.create(name, f"name: {name}")
    store.configs.update(store.configs.find("b")[0].config_id, description="touched")
    assert names(store) == ["b", "a", "C"]
    assert names(store, Page(sort="name", descending=False)) == ["a", "b", "C"]
    assert names(store, Page(sort="created")) == ["a", "C", "b"]
    page, total = store.configs.list_configs(Page(limit=1, offset=1))
    assert ([one.name for one in page], total) == (["a"], 3)
    assert store.configs.list_configs(Page(limit=0)) == ([], 3)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(Page(sort="name; DROP TABLE configs"), id="a sort that is SQL"),
        pytest.param(Page(sort="yaml_content"), id="a column that is no sort"),
        pytest.param(Page(limit=-1), id="negative limit"),
        pytest.param(Page(limit=10**9), id="bottomless limit"),
        pytest.param(Page(offset=-1), id="negative offset"),
        pytest.param(Page(offset=10**30), id="an offset of more than 64 bits"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(store: SQLiteStore, page: Page) -> None:
    with pytest.raises(UsageError):
        store.configs.list_configs(page)
    with pytest.raises(UsageError):
        store.sessions.list_sessions(page)


@pytest.mark.parametrize(
    ("q", "tag", "expected"),
    [
        pytest.param("", "team", ["two", "one"], id="tag key"),
        pytest.param("", "team=red", ["one"], id="tag and value"),
        pytest.param("", "team=", [], id="tag with an empty value"),
        pytest.param("", "te", [], id="part of a tag"),
        pytest.param("alpha", "", ["one"], id="a word of the text"),
        pytest.param("lph ONE", "", ["one"], id="parts of words, any case, text and name"),
        pytest.param("ne", "", ["one"], id="two letters"),
        pytest.param("alpha ne", "", ["one"], id="long and short"),
        pytest.param("alpha", "team=blue", [], id="search and tag"),
        pytest.param("検索", "", ["two"], id="two Chinese characters"),
        pytest.param("全文検索", "", ["two"], id="four Chinese characters"),
    ],
)
def test_search_and_tags_narrow_the_list(store: SQLiteStore, q: str, tag: str, expected: list[str]) -> None:
    store.configs.create("one", "alpha: 1", tags={"team": "red"})
    store.configs.create("two", "beta: 全文検索エンジン", tags={"team": "blue"})
    store.configs.create("three", "gamma: 1")
    found, total = store.configs.list_configs(q=q, tag=tag)
    assert ([one.name for one in found], total) == (expected, len(expected))


def test_the_index_follows_changes_and_deletions(store: SQLiteStore, config: Config) -> None:
    store.configs.update(config.config_id, yaml_content="bundle: {name: zebra}", tags={"team": "blue"})
    assert (names(store, q="provider-mock"), names(store, q="zebra")) == ([], ["demo"])
    assert (names(store, tag="team=red"), names(store, tag="team=blue")) == ([], ["demo"])
    store.configs.delete(config.config_id)
    assert (names(store, q="zebra"), names(store, tag="team")) == ([], [])


@pytest.mark.parametrize("walk_above", [0, 1, 5000], ids=["always walk", "walk or probe", "always sort"])
def test_every_plan_of_a_search_finds_the_same(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, walk_above: int
) -> None:
    monkeypatch.setattr("agent_workbench.storage.configs.WALK_ABOVE", walk_above)
    for number in range(20):
        tags = {"half": str(number % 2)} | ({"most": ""} if number else {})
        store.configs.create(f"n{number:02}", f"common: {'rare' if number % 7 == 0 else 'usual'}", tags=tags)
    by_name = Page(limit=2, offset=1, sort="name", descending=False)
    assert names(store, by_name, q="common") == ["n01", "n02"]
    assert names(store, by_name, q="common rare") == ["n07", "n14"]
    assert names(store, by_name, q="usual", tag="half=0") == ["n04", "n06"]
    assert names(store, by_name, q="usual", tag="most") == ["n02", "n03"]
    assert store.configs.list_configs(by_name, q="usual", tag="most")[1] == 17
