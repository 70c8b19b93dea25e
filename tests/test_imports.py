"""What importing costs and what layers may know: each proved in a fresh interpreter or by the contracts."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SDKS = {"anthropic", "openai", "mcp", "fastapi", "uvicorn", "keyring"}
SCREEN = {"textual", "rich"}
HEAVY = {
    "pydantic",
    "sqlite_utils",
    "sqlite3",
    "yaml",
    "ruamel",
    "jsonschema",
    "genai_prices",
    "tree_sitter",
    "asyncio",
}


def loaded(code: str) -> set[str]:
    """Return the packages that are loaded when a fresh interpreter has run some code."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("args", [["--help"], ["run", "--help"], ["config", "--help"], ["session", "list", "--help"]])
def test_help_loads_none_of_what_is_heavy(args: list[str]) -> None:
    code = f"""
from agent_workbench.__main__ import main
sys.argv = ["awb", *{args!r}]
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
"""
    assert not loaded(code) & (SDKS | SCREEN | HEAVY)


def test_the_package_costs_nothing_to_import() -> None:
    assert not loaded("import agent_workbench") & (SDKS | SCREEN | HEAVY | {"click"})


def test_the_services_load_no_screen_and_no_sdk() -> None:
    assert not loaded("import agent_workbench.services.shared") & (SDKS | SCREEN | {"click"})


def test_running_a_turn_offline_loads_no_sdk_and_no_screen(tmp_path: Path) -> None:
    code = f"""
from agent_workbench.__main__ import main
sys.argv = ["awb", "--db", {str(tmp_path / "a.db")!r}, "run", "hello"]
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
"""
    assert not loaded(code) & (SDKS | SCREEN)


def test_the_layers_point_downwards() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_no_front_end_reaches_into_the_store() -> None:
    files = (ROOT / "src" / "agent_workbench" / "frontends").rglob("*.py")
    reaches = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("store", "_store")
    ]
    assert not reaches, "a front end calls services: what a screen can do, a script can do"


def test_every_broad_except_says_why_on_its_line() -> None:
    silent = []
    for file in (ROOT / "src").rglob("*.py"):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            code, _, said = line.partition("#")
            reason = re.findall(r"\w+", said.replace("noqa: BLE001", ""))
            if re.match(r"\s*except( (Base)?Exception\b.*)?:", code) and len(reason) < 3:
                silent.append(f"{file.relative_to(ROOT)}:{number}")
    assert not silent
