"""The page about sessions names every setting, every mode and effort, and only calls that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from agent_workbench.engine.permissions import MODES
from agent_workbench.services.sessions import SessionManager
from agent_workbench.services.settings import EFFORTS, SessionSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sessions.md").read_text()


@pytest.mark.parametrize("name", [field.name for field in fields(SessionSettings)])
def test_every_setting_is_on_the_page(name: str):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", [*MODES, *EFFORTS])
def test_every_choice_is_on_the_page(name: str):
    assert name in PAGE


def test_every_call_on_the_page_exists():
    calls = re.findall(r"bench\.sessions\.(\w+)", PAGE) + re.findall(r"^\| `(\w+)` \| (?:now|when|into)", PAGE, re.M)
    calls += ["cancel", "follow", "questions", "answer", "change_settings", "grant", "effective", "propose_grant"]
    calls += ["apply_grant", "watch", "usage", "usage_by_day", "turns"]
    assert [name for name in calls if not callable(getattr(SessionManager, name, None))] == []
    assert [name for name in calls if name not in PAGE] == []
