"""The guide to providers says what is true: every module and setting is in it, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Text, user
from agent_workbench.engine.ports import MountContext, Provider, ReplyDone, Request
from agent_workbench.engine.providers import anthropic, chat_completions, openai
from agent_workbench.engine.retry import stream_with_retries
from agent_workbench.errors import ProviderError

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "providers.md").read_text(encoding="utf-8")
MODULES = (
    anthropic.MODULE, openai.MODULE, chat_completions.MODULE, chat_completions.OLLAMA, chat_completions.VLLM,
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.id)
def test_every_module_and_setting_is_in_the_guide(module: Module):
    assert f"`{module.id}`" in GUIDE
    assert [name for name in module.config.model_fields if f"`{name}`" not in GUIDE] == []


def example() -> Module:
    """Run the guide's example and return its module."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "echo_plugin"}
    exec(compile(code, "<the example in docs/providers.md>", "exec", dont_inherit=True), names)
    module = names["MODULE"]
    assert isinstance(module, Module)
    return module


async def test_the_example_is_a_whole_provider():
    module = example()
    assert module.create is not None
    provider = module.create(module.config.model_validate({"loud": True}), MountContext({}, Path(), "bird"))
    assert isinstance(provider, Provider)
    items = [item async for item in stream_with_retries([provider], Request("", (user("hello there"),)))]
    assert isinstance(items[-1], ReplyDone)
    assert items[-1].message.parts == (Text("HELLO THERE"),)
    with pytest.raises(ProviderError, match="nothing to repeat"):
        await anext(stream_with_retries([provider], Request("", (user(""),))))
    assert await provider.models() == ["parrot-1"]
    await provider.close()
