"""What a config could name besides modules: shipped bundles, other configs, files and agents of its folder, models."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

from agent_workbench.configs.known import Known, Named
from agent_workbench.engine.permissions import MODES
from agent_workbench.paths import shipped
from agent_workbench.services.configs import ConfigManager
from agent_workbench.services.workspace import list_files

#: Files of the folder that are offered, and seconds that looking for them may take.
MOST_FILES = 2_000
MOST_SECONDS = 0.3
#: Other configs that are offered, and read for the models that they name.
MOST_CONFIGS = 200
MOST_READ = 50
_BUNDLES = (".yaml", ".yml")
_TEXTS = (".md", ".txt")
_MODEL = re.compile(
    r"module:[ \t]*(?P<module>provider-[\w-]+)(?:(?!module:).){0,2000}?\b(?:default_)?model:[ \t]*(?P<model>[\w./:-]+)",
    re.DOTALL,
)


async def includable(configs: ConfigManager, own: str) -> list[Named]:
    """Return what can be included by name: what ships with the program, then the other configs, by name."""
    stored, _ = await configs.list_configs(MOST_CONFIGS, sort="name")
    others = [(f"config:{one.name}", one.description or "a config of yours") for one in stored if one.config_id != own]
    return [*((name, "ships with the workbench") for name in _shipped()), *others]


async def nearby(configs: ConfigManager, own: str, folder: Path) -> Known:
    """Return what the text of a config could name, from the folder that its includes start from and other configs."""
    includes = await includable(configs, own)
    latest, _ = await configs.list_configs(MOST_READ)
    texts = [found.yaml_content for one in latest if (found := await configs.get_config(one.config_id)) is not None]
    return await asyncio.to_thread(_known, includes, texts, folder)


def _known(includes: Sequence[Named], texts: Iterable[str], folder: Path) -> Known:
    files = list_files(folder, most=MOST_FILES, seconds=MOST_SECONDS)
    agents = [path for path in files if path.startswith("agents/") and path.endswith(".md")]
    bundles = [path for path in files if path.endswith(_BUNDLES) and not path.startswith(".")]
    return Known(
        includes=(*includes, *_inside("foundation", _BUNDLES), *((f"./{path}", "a file here") for path in bundles)),
        agents=(*((_stem(path), "a file here") for path in agents), *_agents("foundation")),
        files=tuple((path, "a file here") for path in files if path.endswith(_TEXTS) and path not in agents),
        modes=tuple((mode, "a permission mode") for mode in MODES),
        models=_models(texts),
    )


def _shipped() -> list[str]:
    folder = shipped("sample_configs") / "shipped"
    return sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


def _inside(bundle: str, suffixes: tuple[str, ...]) -> list[Named]:
    top = shipped("sample_configs") / "shipped" / bundle
    found = sorted(path.relative_to(top) for path in top.rglob("*") if path.suffix in suffixes)
    return [(f"{bundle}:{path.with_suffix('').as_posix()}", "a part of it") for path in found if len(path.parts) > 1]


def _agents(bundle: str) -> list[Named]:
    folder = shipped("sample_configs") / "shipped" / bundle / "agents"
    return [(f"{bundle}:{path.stem}", f"an agent of {bundle}") for path in sorted(folder.glob("*.md"))]


def _stem(path: str) -> str:
    return PurePath(path).relative_to("agents").with_suffix("").as_posix()


def _models(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the models that texts name, by module, as they stand there: nothing is parsed for an offer."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        for one in _MODEL.finditer(text):
            found.setdefault(one["module"], {})[one["model"]] = None
    return {module: tuple(models) for module, models in found.items()}
