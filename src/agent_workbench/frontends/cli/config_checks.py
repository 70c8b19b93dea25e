"""What a config means: its problems, its plan, and where each value of the plan came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import NotFound
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import json_option, sources_option, with_workbench
from agent_workbench.frontends.cli.output import counted, emit, emit_json, narrate, show_problems

if TYPE_CHECKING:
    from agent_workbench.configs.plan import Plan
    from agent_workbench.configs.problems import Problem
    from agent_workbench.services.shared import SharedContext

PROBLEMS = 3
"""The exit code where a config has errors."""


@click.command("validate")
@click.argument("config")
@sources_option
@json_option
@with_workbench
async def validate(bench: SharedContext, config: str, as_json: bool) -> int:
    """List what is wrong with a config, with places and ways out. Exits with 3 where there are errors."""
    text = await text_of(bench, config)
    problems = bench.configs.validate(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    if as_json:
        emit_json({"problems": [problem.to_json() for problem in problems]})
    else:
        show_problems(problems, name=text.label)
        narrate(_judgement(text.name, problems))
    return _code(problems)


@click.command("plan")
@click.argument("config")
@click.option("--explain", metavar="PATH", help="Say where this value comes from, for example tools[tool-web].config.")
@sources_option
@json_option
@with_workbench
async def plan(bench: SharedContext, config: str, explain: str | None, as_json: bool) -> int:
    """Print what a session would be made from: the config with its includes, and the origin of every value.

    Secrets are dots, ${VAR} stays as it is. What could be composed is printed also when includes are missing (exit 3).
    """
    from agent_workbench.services.shapes import plan_to_json

    text = await text_of(bench, config)
    found = await bench.configs.plan_text(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    if explain is not None:
        _explain(found, explain, as_json)
        return 0
    if as_json:
        emit_json(plan_to_json(found))
    else:
        for line in described(found):
            emit(line)
        show_problems(found.problems, name=text.label)
    return _code(found.problems)


def described(plan: Plan) -> list[str]:
    """Return a plan as indented lines, each value with its origin."""
    from agent_workbench.configs.secrets import mask

    rows: list[tuple[str, str]] = []
    for section, value in mask(plan.mount_plan).items():
        _rows(plan, section, section, value, 0, rows)
    width = min(60, max((len(left) for left, _ in rows), default=0))
    return [f"{left:<{width}}  {right}".rstrip() for left, right in rows]


def _rows(plan: Plan, path: str, label: str, value: Any, depth: int, rows: list[tuple[str, str]]) -> None:
    origin = " + ".join(str(one) for one in plan.origins.get(path, ()))
    indent = "  " * depth
    if isinstance(value, dict) and value:
        rows.append((f"{indent}{label}", origin))
        for key, item in value.items():
            _rows(plan, f"{path}.{key}", str(key), item, depth + 1, rows)
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        rows.append((f"{indent}{label}", origin))
        for item in value:
            name = str(item.get("id") or item.get("module")) if isinstance(item, dict) else str(item)
            rest = {k: v for k, v in item.items() if k != "module"} if isinstance(item, dict) else item
            _rows(plan, f"{path}[{name}]", name, rest or "", depth + 1, rows)
    else:
        rows.append((f"{indent}{label}{_shown(value)}", origin))


def _shown(value: Any) -> str:
    if value == "":
        return ""
    if isinstance(value, list | tuple):
        value = f"[{', '.join(str(item) for item in value)}]"
    return f": {clean_line(str(value), 60)}"


def _explain(plan: Plan, path: str, as_json: bool) -> None:
    """Print the places that set a value, the winner first."""
    from agent_workbench.configs.words import nearest

    origins = plan.origins.get(path)
    if origins is None:
        near = nearest(path, plan.origins, cutoff=0.4)
        raise NotFound(f"the plan has no value {path!r}" + (f"; did you mean {near}?" if near else ""))
    value = _value(plan, path)
    if as_json:
        places = [{"source": one.source, "line": one.line, "commit": one.commit} for one in origins]
        emit_json({"path": path, "value": value, "origins": places})
        return
    winner, *before = reversed(origins)
    over = f", over {', '.join(str(one) for one in before)}" if before else ""
    said = f" is {value}" if not isinstance(value, dict | list | type(None)) else ""
    emit(f"{path}{said}, because of {winner}{over}")


def _value(plan: Plan, path: str) -> Any:
    """Return the value at a path as origins write it: list entries by id or module in brackets. None where unclear."""
    import re

    from agent_workbench.configs.secrets import mask

    value: Any = mask(plan.mount_plan)
    for name, entry in re.findall(r"([^.\[\]]+)|\[([^\]]+)\]", path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif entry and isinstance(value, list):
            value = next(
                (one for one in value if isinstance(one, dict) and entry in (one.get("id"), one.get("module"))), None
            )
        else:
            return None
    return value


def _judgement(name: str, problems: tuple[Problem, ...]) -> str:
    wrong = sum(problem.severity == "error" for problem in problems)
    doubtful = sum(problem.severity == "warning" for problem in problems)
    if not wrong and not doubtful:
        return f"{name} is fine"
    return f"{name}: {counted(wrong, 'error')}, {counted(doubtful, 'warning')}"


def _code(problems: tuple[Problem, ...]) -> int:
    return PROBLEMS if any(problem.severity == "error" for problem in problems) else 0


COMMANDS = (validate, plan)
