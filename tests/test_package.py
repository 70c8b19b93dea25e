"""What is built and installed: the wheel holds themes and samples, the names are those that are promised."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path

import pytest

import agent_workbench

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    assert agent_workbench.__version__ == version("agent-workbench") == PROJECT["project"]["version"]


def test_both_commands_are_installed() -> None:
    scripts = {point.name: point.value for point in entry_points(group="console_scripts")}
    assert scripts["awb"] == scripts["agent-workbench"] == "agent_workbench.__main__:main"


def test_every_built_in_module_loads_under_its_own_id() -> None:
    points = [point for point in entry_points(group="agent_workbench.modules") if point.dist is not None]
    ours = [point for point in points if point.dist is not None and point.dist.name == "agent-workbench"]
    assert len(ours) >= 14
    assert [point.load().id for point in ours] == [point.name for point in ours]


def test_every_public_name_can_be_imported() -> None:
    for name in agent_workbench.__all__:
        assert getattr(agent_workbench, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = agent_workbench.nothing


def test_every_dependency_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for path in ROOT.glob("src/**/*.py"))
    for requirement in PROJECT["project"]["dependencies"]:
        name = plain(re.split(r"[<>=]", requirement)[0])
        modules = [top for top, owners in packages_distributions().items() if name in map(plain, owners)]
        assert re.search(rf"(import|from) ({'|'.join(modules)})\b|\"({'|'.join(modules)})\"", source), requirement


def plain(name: str) -> str:
    """Return a distribution's name as every tool compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_file_is_longer_than_600_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py")]
        if (count := len(path.read_text("utf-8").splitlines())) > 600
    }
    assert long == {}


def test_the_wheel_holds_themes_samples_and_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for kind in ("themes", "sample_configs"):
        for path in (ROOT / kind).rglob("*"):
            if path.is_file():
                assert f"agent_workbench/_data/{path.relative_to(ROOT).as_posix()}" in names
    assert "agent_workbench/py.typed" in names
