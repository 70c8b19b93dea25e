"""The storage page names every table and every file."""

from __future__ import annotations

import re
from pathlib import Path

from agent_workbench.storage import schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "storage.md"


def test_every_table_is_on_the_page() -> None:
    text = PAGE.read_text()
    statements = "\n".join(one for _, statements in schema.MIGRATIONS for one in statements)
    tables = re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", statements)
    assert len(tables) == 17
    assert [table for table in tables if f"`{table}`" not in text] == []
