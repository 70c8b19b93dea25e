"""`awb usage`: what was used by day, config, session and model; unknown prices stay unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_kit import Awb

PRICED = """
providers:
  - module: provider-mock
    config: {default_model: parrot, responses: [{text: hi, usage: {input_tokens: 1200, output_tokens: 30}}], loop: true}
"""


@pytest.fixture
def spent(awb: Awb, tmp_path: Path) -> str:
    """Two sessions of one config, with three turns."""
    config = tmp_path / "priced.yaml"
    config.write_text(PRICED)
    session = str(awb("run", "count my words", "-c", str(config), "--json").json["session_id"])
    awb("run", "-s", session, "again")
    awb("run", "another talk", "-c", str(config))
    return session


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("day", [datetime.now(UTC).strftime("%Y-%m")]),
        ("config", ["priced"]),
        ("session", ["count my words", "another talk"]),
        ("model", ["parrot"]),
    ],
)
def test_what_was_used_is_added_up_by(awb: Awb, spent: str, what: str, names: list[str]) -> None:
    found = awb("usage", "--by", what, "--json").json
    assert found["by"] == what
    assert all(row["name"].startswith(name) for row, name in zip(found["rows"], names, strict=True))
    assert found["total"]["turns"] == sum(row["turns"] for row in found["rows"]) == 3
    assert found["total"]["usage"]["input_tokens"] == 3600


def test_a_table_says_it_to_a_person_with_the_sum_last(awb: Awb, spent: str) -> None:
    first, dearest, _, total = awb("usage", "--by", "session").out.splitlines()
    assert first.split() == ["SESSION", "TURNS", "INPUT", "CACHED", "OUTPUT", "COST", "ID"]
    assert dearest.split("  ")[0] == "count my words"
    assert spent in dearest
    assert total.split() == ["all", "together", "3", "3,600", "unknown", "90", "$0.0000"]


def test_only_what_began_since_a_date_counts(awb: Awb, spent: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert awb("usage", "--since", f"{tomorrow:%Y-%m-%d}", "--json").json["rows"] == []
    assert awb("usage", "--since", "2026-01-01", "--json").json["total"]["turns"] == 3
    awb("usage", "--since", "yesterday-ish", code=2)


def test_nothing_used_is_said_and_is_unknown_instead_of_0(awb: Awb) -> None:
    assert (awb("usage").out, awb("usage").err) == ("", "Nothing was used.\n")
    assert awb("usage", "--json").json["total"]["usage"] == {}
