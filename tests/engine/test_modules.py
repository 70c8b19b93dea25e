from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from agent_workbench.configs.modules import Module
from agent_workbench.engine.ports import Hook, MountContext, Provider, Tool, ToolContext

MODULES = {point.name: point for point in entry_points(group="agent_workbench.modules")}
MINE = [name for name in MODULES if name.startswith(("tool-", "hook", "loop-", "context-")) or name == "provider-mock"]
MINE = [name for name in MINE if MODULES[name].value.startswith("agent_workbench.engine")]
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", MINE)
def test_a_module_has_its_id_a_summary_and_help_for_every_key(name):
    module: Module = MODULES[name].load()
    assert module.id == name
    assert module.summary
    schema = module.config.model_json_schema()
    for key, value in schema.get("properties", {}).items():
        assert value.get("description"), f"{name}: {key} has no help"


@pytest.mark.parametrize("name", MINE)
def test_a_module_is_made_from_an_empty_config_and_keeps_its_protocol(name, tmp_path):
    module: Module = MODULES[name].load()
    assert module.create is not None
    made = module.create(module.config(), MountContext({}, tmp_path, name))
    if module.kind == "tool":
        names = [tool.spec.name for tool in made]  # some are there only where the config asks for them
        assert names == [name for name in module.tools if name in names]
        assert names or module.tools == ("mcp_*",)
        assert all(isinstance(tool, Tool) for tool in made)
        assert all(tool.spec.input_schema["type"] == "object" for tool in made)
        assert ToolContext("s", tmp_path).workspace == tmp_path
    elif module.kind == "hook":
        assert isinstance(made, Hook)
        assert made.id == name
    elif module.kind == "provider":
        assert isinstance(made, Provider)


@pytest.mark.parametrize("name", [name for name in MINE if name != "provider-mock"])
def test_a_module_stands_in_the_docs(name):
    pages = "".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
    assert f"`{name}`" in pages or f"## {name}" in pages
