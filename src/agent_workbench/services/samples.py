"""The samples that ship with the program, stored as configs of their own on first use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent_workbench import paths
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import NewConfig

STORED = "samples.stored"
SAMPLE_TAG = {"folder": "samples"}


def sample_files() -> Iterator[Path]:
    """Yield the samples' files by name, `hello` first: it runs without a key and without a network."""
    folder = paths.shipped("sample_configs")
    found = [path for path in folder.iterdir() if path.suffix in (".yaml", ".md") and path.stem != "README"]
    return iter(sorted(found, key=lambda path: (path.stem != "hello", path.stem)))


def store_samples(store: Store) -> int:
    """Store the samples that this database has not seen yet; return how many.

    A sample that the person changed or deleted does not come back. Of two processes that start at once, one stores
    each sample; a start that fails on the way stores none, and the next one tries again.
    """
    known = set(store.setting(STORED, []))
    new = [_sample(path) for path in sample_files() if path.stem not in known]
    return store.introduce(STORED, new) if new else 0


def _sample(path: Path) -> NewConfig:
    text = path.read_text("utf-8")
    return NewConfig(path.stem, text, _first_words(text), SAMPLE_TAG, "agent-workbench")


def _first_words(text: str) -> str:
    """Return the first comment line, which says what the sample shows."""
    for line in text.splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return ""
