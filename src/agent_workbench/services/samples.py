"""The samples that ship with the program, stored as configs of their own on first use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent_workbench import paths
from agent_workbench.storage.ports import Store

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
    each sample.
    """
    new = store.claim(STORED, [path.stem for path in sample_files()])
    for path in reversed([path for path in sample_files() if path.stem in new]):  # the first one is then the newest
        text = path.read_text("utf-8")
        store.configs.create(path.stem, text, description=_first_words(text), tags=SAMPLE_TAG, author="agent-workbench")
    return len(new)


def _first_words(text: str) -> str:
    """Return the first comment line, which says what the sample shows."""
    for line in text.splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return ""
