"""What is wrong with the permissions of a config is said before a session is started, with its place and a fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.errors import PermissionRuleError
from agent_workbench.services.permission_problems import permission_problems
from agent_workbench.services.shared import open_workbench

HEAD = "providers: [{module: provider-mock}]\nsession:\n  permissions:"


@pytest.mark.parametrize(
    ("written", "code", "place", "fixed"),
    [
        (" {dney: [bash]}", "permission-kind", (3, 23), " {deny: [bash]}"),
        (" {mode: fastedit}", "permission-mode", (3, 23), " {mode: fast-edit}"),
        (" {allow: read_file}", "permission-kind", (3, 24), " {allow: [read_file]}"),
        ("\n    deny:\n      - bash(\n", "permission-rule", (5, 9), None),
        ("\n    deny: [{rule: bash, macth: []}]\n", "permission-rule", (4, 12), None),
        (" [bash]", "permission-kind", (3, 16), None),
    ],
)
def test_a_slip_in_the_permissions_has_a_place_and_where_it_is_clear_a_fix(
    written: str, code: str, place: tuple[int, int], fixed: str | None
) -> None:
    (problem,) = permission_problems(HEAD + written)
    assert (problem.severity, problem.code) == ("error", code)
    if fixed is None:
        assert (problem.line, problem.column) == place
    else:
        assert problem.fix is not None
        assert problem.fix.apply(HEAD + written) == HEAD + fixed


@pytest.mark.parametrize("written", ["", " {}", " {deny: , mode: ask, allow: [read_file]}"])
def test_empty_permissions_are_none(written: str) -> None:
    assert permission_problems(HEAD + written) == ()


async def test_a_session_does_not_start_without_the_rules_that_somebody_meant(tmp_path: Path) -> None:
    shared = open_workbench(tmp_path / "bench.db", workspace=tmp_path)
    try:
        config = await shared.configs.create_config("mine", HEAD + " [bash]\n")
        with pytest.raises(PermissionRuleError, match="is a map with mode, allow, ask and deny"):
            await shared.sessions.create_session(config.config_id)
    finally:
        await shared.close()
