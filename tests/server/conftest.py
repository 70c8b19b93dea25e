"""Serves each test its own workbench."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from server_kit import Served, served


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that asks for a token."""
    async with served(tmp_path) as one:
        yield one
