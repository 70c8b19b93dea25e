"""What every test may use: a private home, so that nothing of the person's own is read or written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from keyring_kit import MemoryKeyring


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWB_DB", str(home / "workbench.db"))
    for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(key, raising=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run what takes minutes")
    parser.addoption("--kills", type=int, default=300, help="how many processes are killed in all (300)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes: ask for it with --slow"))


@pytest.fixture(scope="session")
def all_kills(request: pytest.FixtureRequest) -> int:
    """How many processes are killed in all; the tests that do it share them."""
    return int(request.config.getoption("--kills"))


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what kill -9 leaves is the same there, and no commit waits for a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="awb-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of bundles that other people wrote; skipped, saying so, where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("the corpus of other people's bundles is not beside this checkout")
    return folder


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """A keyring of the test's own."""
    import keyring

    from keyring_kit import MemoryKeyring

    before, mine = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def no_ring() -> Iterator[None]:
    """No keyring at all."""
    import keyring
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)
