"""What is noted about texts from elsewhere: they stay outside until trusted, and what a person saved is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Standing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    opened = open_store(tmp_path / "bench.db")
    yield opened
    opened.close()


TEXT, OTHER = "bundle: {name: mine}\n", "bundle: {name: other}\n"


def states(store: SQLiteStore, *digests: str) -> dict[str, str]:
    return {digest: one.state for digest, one in store.trust.standing(digests).items()}


def test_a_text_from_outside_stays_outside_until_it_is_trusted_and_after_it_is_revoked(store: SQLiteStore):
    config = store.configs.create("mine", TEXT, outside="https://x.example/a.yaml")
    own = config.content_hash
    assert states(store, own, "d2") == {own: "outside"}
    store.trust.trust([Standing(own), Standing("d2", source="b.yaml", place="/b.yaml", text="b: 1")])
    assert states(store, own, "d2") == {own: "trusted", "d2": "trusted"}
    store.configs.create("again", TEXT, outside="again")
    assert states(store, own) == {own: "trusted"}
    assert store.trust.revoke([own, own, "d9"]) == 1
    assert states(store, own, "d2") == {own: "outside", "d2": "trusted"}


def test_a_text_that_a_person_saved_before_is_theirs(store: SQLiteStore):
    config = store.configs.create("mine", TEXT)
    store.configs.update(config.config_id, yaml_content=OTHER)
    assert states(store, store.configs.create("again", TEXT, outside="a file").content_hash) == {}
    new = store.configs.create("new", "bundle: {name: new}\n", outside="a file")
    assert states(store, new.content_hash) == {new.content_hash: "outside"}
    assert states(store, store.configs.update(new.config_id, yaml_content=OTHER).content_hash) == {}


@pytest.mark.parametrize("trusted", [False, True])
def test_a_text_stands_as_the_one_that_it_was_written_over(store: SQLiteStore, trusted: bool):
    config = store.configs.create("mine", TEXT, outside="a file")
    if trusted:
        store.trust.trust([Standing(config.content_hash)])
    saved = store.configs.update(config.config_id, yaml_content=OTHER)
    assert states(store, saved.content_hash) == {saved.content_hash: "trusted" if trusted else "outside"}
    own = store.configs.create("own", "bundle: {name: own}\n")
    assert states(store, store.configs.update(own.config_id, yaml_content="bundle: {name: o}\n").content_hash) == {}


def test_a_text_that_came_from_outside_over_a_trusted_one_is_not_trusted(store: SQLiteStore):
    config = store.configs.create("mine", TEXT, outside="a file")
    store.trust.trust([Standing(config.content_hash)])
    saved = store.configs.update(config.config_id, yaml_content=OTHER, outside="the file")
    assert states(store, saved.content_hash) == {saved.content_hash: "outside"}


def test_the_text_that_was_trusted_last_at_a_place_is_kept_to_compare(store: SQLiteStore):
    assert store.trust.trusted_at("/b.yaml") is None
    for number in (1, 2):
        store.trust.trust([Standing(f"d{number}", source="b.yaml", place="/b.yaml", text=f"b: {number}")])
    found = store.trust.trusted_at("/b.yaml")
    assert found == Standing("d2", "trusted", "b.yaml", "/b.yaml", "b: 2")
    store.trust.revoke(["d2"])
    found = store.trust.trusted_at("/b.yaml")
    assert found is not None
    assert found.text == "b: 1"
