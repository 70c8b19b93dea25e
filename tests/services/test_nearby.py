"""What a config could name besides modules, for the editor to offer."""

from __future__ import annotations

from pathlib import Path

from agent_workbench.services.nearby import nearby
from agent_workbench.services.shared import open_workbench


async def test_other_configs_shipped_parts_and_the_folders_files_are_offered(tmp_path: Path) -> None:
    for name in ("agents/helper.md", "agents/deep/other.md", "notes.md", "part.yaml", "code.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    shared = open_workbench(tmp_path / "bench.db", workspace=tmp_path)
    try:
        own = await shared.configs.create_config("own", "bundle: {name: own}\n")
        text = "providers:\n  - module: provider-vllm\n    config: {default_model: qwen-9}\n  - module: provider-mock\n"
        await shared.configs.create_config("other", text, description="another")
        found = await nearby(shared.configs, own.config_id, tmp_path)
    finally:
        await shared.close()
    includes = dict(found.includes)
    assert includes["config:other"] == "another"
    assert "config:own" not in includes
    assert {"foundation", "foundation:behaviors/shell", "./part.yaml"} <= includes.keys()
    assert [name for name, _ in found.agents][:2] == ["helper", "deep/other"]
    assert ("foundation:explorer", "an agent of foundation") in found.agents
    assert [name for name, _ in found.files] == ["notes.md"]
    assert ("ask", "a permission mode") in found.modes
    assert found.models["provider-vllm"] == ("qwen-9",)
    assert "provider-mock" not in found.models
