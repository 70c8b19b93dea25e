"""The guide to hooks says what is true: every event, module and setting is in it, and its example works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Echo, calling, of, played, scripted, session

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.events import ToolFinished
from agent_workbench.engine.hooks import approval, logging, redaction, shell, status_context, todo_reminder
from agent_workbench.engine.ports import Hook, MountContext
from agent_workbench.engine.providers.mock import MODULE as MOCK

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
MODULES = (
    approval.MODULE, logging.MODULE, redaction.MODULE, shell.MODULE, status_context.MODULE, todo_reminder.MODULE,
)  # fmt: skip
#: How an event is written where it is fired.
EVENT = re.compile(r'"((?:session|prompt|provider|content_block|thinking|tool|context|cancel|execution|orchestrator)'
                   r':[a-z_]+)"')  # fmt: skip


def test_every_event_that_is_fired_is_in_the_guide():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    fired = set(EVENT.findall(source))
    assert len(fired) > 20
    assert [name for name in sorted(fired) if f"`{name}`" not in GUIDE] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.id)
def test_every_module_and_setting_is_in_the_guide(module: Module):
    assert f"## {module.id}" in GUIDE
    section = GUIDE.split(f"## {module.id}")[1].split("\n## ")[0]
    assert [name for name in module.config.model_fields if f"`{name}`" not in section] == []


def test_every_key_of_the_offline_model_is_in_its_guide():
    guide = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    assert [name for name in MOCK.config.model_fields if f"`{name}`" not in guide] == []


async def test_the_example_is_a_whole_hook():
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "office_plugin"}
    exec(compile(code, "<the example in docs/hooks.md>", "exec", dont_inherit=True), names)
    module = names["MODULE"]
    hook = module.create(module.config.model_validate({"closed": ["echo"]}), MountContext({}, Path("/"), "office"))
    assert isinstance(hook, Hook)
    tool = Echo()
    events = await played(session(scripted(calling(("echo", {})), "done"), tool, hooks=(hook,)))
    assert tool.ran == []
    assert [event.result.content for event in of(events, ToolFinished)] == ["Denied: the office is closed"]
