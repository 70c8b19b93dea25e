"""What a config means: its problems, its plan, and where each value of the plan came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import json_option, sources_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, narrate, show_problems

if TYPE_CHECKING:
    from agent_workbench.configs.plan import Plan
    from agent_workbench.configs.problems import Problem
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.texts import ConfigText

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
    problems = bench.configs.validate(
        text.text, name=text.label, base=text.base or bench.workspace, root=text.root, owner=text.owner
    )
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

    Secrets are dots, ${VAR} stays as it is; commits of git includes and the sessions that use it are named. What could
    be composed is printed also when includes are missing (exit 3).
    """
    from agent_workbench.services.shapes import plan_to_json

    text = await text_of(bench, config)
    found = await bench.configs.plan_text(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    if explain is not None:
        _explain(found, explain, as_json)
        return 0
    used = await used_by(bench, text)
    if as_json:
        emit_json({**plan_to_json(found), **used})
        return _code(found.problems)
    for line in described(found):
        emit(line)
    for uri in found.includes:
        narrate(f"includes {uri}")
    tell_users(used)
    show_problems(found.problems, name=text.label)
    return _code(found.problems)


def tell_users(used: dict[str, Any]) -> None:
    """Name the sessions that a change would reach."""
    if used.get("sessions"):
        named = [f"{one['title'] or one['session_id']}{_pin(one['pinned_revision'])}" for one in used["used_by"][:5]]
        more = f", and {used['sessions'] - len(named)} more" if used["sessions"] > len(named) else ""
        narrate(f"used by {counted(used['sessions'], 'session')}: {', '.join(named)}{more}")


def _pin(revision: int | None) -> str:
    return f" (pinned to revision {revision})" if revision else ""


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
    """Say where one value comes from."""
    from agent_workbench.configs.explain import explain
    from agent_workbench.services.shapes import explanation_to_json

    found = explain(plan, path)
    if as_json:
        emit_json(explanation_to_json(found))
    else:
        emit(str(found))


async def used_by(bench: SharedContext, text: ConfigText) -> dict[str, Any]:
    """Return which sessions use a config: a stored one, or the one that a bundle file is kept as."""
    from agent_workbench.services.shapes import users_to_json
    from agent_workbench.services.texts import kept_as

    config = await kept_as(bench.configs, text)
    if config is None:
        return {"used_by": [], "sessions": 0}
    found, total = await bench.sessions.list_sessions(config_id=config.config_id)
    return {"used_by": users_to_json(found), "sessions": total}


def _judgement(name: str, problems: tuple[Problem, ...]) -> str:
    wrong = sum(problem.severity == "error" for problem in problems)
    doubtful = sum(problem.severity == "warning" for problem in problems)
    if not wrong and not doubtful:
        return f"{name} is fine"
    return f"{name}: {counted(wrong, 'error')}, {counted(doubtful, 'warning')}"


def _code(problems: tuple[Problem, ...]) -> int:
    return PROBLEMS if any(problem.severity == "error" for problem in problems) else 0


COMMANDS = (validate, plan)
