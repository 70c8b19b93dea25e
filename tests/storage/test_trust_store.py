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


def states(store: SQLiteStore, *digests: str) -> dict[str, str]:
    return {digest: one.state for digest, one in store.trust.standing(digests).items()}


def test_a_text_from_outside_stays_outside_until_it_is_trusted_and_after_it_is_revoked(store: SQLiteStore):
    store.trust.came("d1", "https://x.example/a.yaml")
    assert states(store, "d1", "d2") == {"d1": "outside"}
    store.trust.trust([Standing("d1"), Standing("d2", source="b.yaml", place="/b.yaml", text="b: 1")])
    assert states(store, "d1", "d2") == {"d1": "trusted", "d2": "trusted"}
    store.trust.came("d1", "again")
    assert states(store, "d1") == {"d1": "trusted"}
    assert store.trust.revoke(["d1", "d1", "d9"]) == 1
    assert states(store, "d1", "d2") == {"d1": "outside", "d2": "trusted"}


def test_a_text_that_a_person_saved_before_is_theirs(store: SQLiteStore):
    config = store.configs.create("mine", "bundle: {name: mine}\n")
    store.configs.update(config.config_id, yaml_content="bundle: {name: other}\n")
    store.trust.came(config.content_hash, "a file")
    store.trust.came("d1", "a file")
    store.trust.follow("d1", config.content_hash)
    assert states(store, config.content_hash, "d1") == {"d1": "outside"}


@pytest.mark.parametrize("trusted", [False, True])
def test_a_text_stands_as_the_one_that_it_was_written_over(store: SQLiteStore, trusted: bool):
    store.trust.came("d1", "a file")
    if trusted:
        store.trust.trust([Standing("d1")])
    store.trust.follow("d1", "d2")
    store.trust.follow("unknown", "d3")
    assert states(store, "d2", "d3") == {"d2": "trusted" if trusted else "outside"}


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
