"""Which files ask before they are written, even in fast edit, and which are plain work."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.engine.permissions import PermissionManager, parse_rule
from agent_workbench.engine.permissions.protected import MadeFrom
from agent_workbench.engine.ports import Intent

OBEYED = {
    "version control": [
        ".git/config", ".githooks/pre-commit", "sub/.hooks/x", "hooks/pre-commit", "tools/hooks/post-checkout",
        "hooks/commit-msg", ".husky/pre-push", "lefthook.yml", "lefthook.toml", ".lefthook.yml", "lefthook-local.yml",
        ".pre-commit-config.yaml", ".pre-commit-config.yml", ".hg/hgrc", ".jj/x", ".lintstagedrc.json", ".gitmodules",
    ],
    "editors": [
        ".vscode/tasks.json", ".idea/x.xml", ".zed/tasks.json", ".fleet/run.json", ".helix/languages.toml", ".nvim.lua",
        ".vim/vimrc", ".exrc", "sub/.vimrc", ".dir-locals.el", ".dir-locals-2.el", "x.code-workspace",
        "sub/x.sublime-project", ".devcontainer/devcontainer.json", ".devcontainer.json", ".emacs.d/init.el",
        ".VSCode/x",
    ],
    "agents": [
        ".mcp.json", "mcp.json", ".windsurf/x", ".gemini/settings.json", ".codex/config.toml", ".roo/mcp.json",
        ".kiro/x", ".continue/config.yaml", ".claude/settings.json", ".cursor/mcp.json", ".amplifier/hooks/x",
        "opencode.json", ".opencode/x", ".crush.json", ".aider.conf.yml", ".junie/x", ".cline/x",
    ],
    "shells": [
        ".bashrc", ".login", ".zshenv", ".profile", ".envrc", ".mise.toml", "mise.toml", "mise.local.toml",
        ".tool-versions", ".direnv/x", ".tmux.conf", ".logout", ".zlogin", ".cshrc",
    ],
    "debuggers and interpreters": [
        ".gdbinit", ".lldbinit", ".gdbinit.local", ".pdbrc", ".Rprofile", ".irbrc", ".curlrc", "sitecustomize.py",
        "lib/usercustomize.py", "lib/x.pth", ".venv/bin/python", "node_modules/.bin/tsc", ".sqliterc",
    ],
    "packages and builds": [
        ".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn/releases/yarn.cjs", ".pnpmfile.cjs", ".pnp.cjs", "pip.conf",
        "uv.toml",
        ".cargo/config.toml", "rust-toolchain.toml", ".mvn/jvm.config", "gradle/wrapper/gradle-wrapper.properties",
        ".bazelrc", ".pypirc",
    ],
    "build servers": [
        ".github/workflows/x.yml", ".gitlab-ci.yml", ".gitlab-ci.yaml", ".circleci/config.yml", "Jenkinsfile",
        "azure-pipelines.yml", ".travis.yml", ".gitea/workflows/x.yml", ".GITHUB/workflows/x.yml", ".woodpecker.yml",
    ],
}  # fmt: skip

PLAIN_WORK = [
    "src/app.py", "Makefile", "package.json", "conftest.py", "tests/conftest.py", "pyproject.toml", "setup.py",
    "AGENTS.md",
    "hooks/useState.ts", "src/hooks/index.ts", "docs/github/workflows.md", "environment.yml", "src/env.py",
    "git/config",
    "vscode/x", "x.git.md", "lefthook/x", "notes.vimrc", "a.bashrc.md", "Cargo.toml", "Dockerfile", ".gitignore",
    ".dockerignore", ".prettierrc", "src/profile", "src/login.py", "cargo/config.toml", "requirements.txt", "go.mod",
]  # fmt: skip


@pytest.mark.parametrize("path", [path for paths in OBEYED.values() for path in paths])
def test_what_other_programs_obey_is_never_written_without_a_question(tmp_path: Path, path: str) -> None:
    rules = (parse_rule("*", "allow", "user"), parse_rule("write_file(**)", "allow", "user"))
    verdict = PermissionManager(tmp_path, rules, "fast-edit").check("write_file", Intent("write", path, (path,)))
    assert (verdict.decision, verdict.rule, verdict.rules) == ("ask", "protected paths", ())


@pytest.mark.parametrize("path", PLAIN_WORK)
def test_plain_work_is_not_asked_about_in_fast_edit(tmp_path: Path, path: str) -> None:
    verdict = PermissionManager(tmp_path, mode="fast-edit").check("write_file", Intent("write", path, (path,)))
    assert verdict.decision == "allow"


SECRETS = [
    ".docker/config.json",
    ".azure/x",
    "id_ecdsa",
    "_netrc",
    ".my.cnf",
    ".env",
    "a/.env.local",
    ".config/gh/hosts.yml",
]


@pytest.mark.parametrize("path", SECRETS)
def test_what_holds_secrets_is_not_read_without_a_question(tmp_path: Path, path: str) -> None:
    verdict = PermissionManager(tmp_path).check("read_file", Intent("read", path, (path,)))
    assert (verdict.decision, "secrets" in verdict.reason) == ("ask", True)


@pytest.mark.parametrize("path", [".gitignore", ".github/workflows/x.yml", ".docker/Dockerfile", "environment.py"])
def test_what_is_only_obeyed_may_be_read(tmp_path: Path, path: str) -> None:
    assert PermissionManager(tmp_path).check("read_file", Intent("read", path, (path,))).decision == "allow"


def test_a_question_says_why_a_file_is_protected(tmp_path: Path) -> None:
    manager = PermissionManager(tmp_path, mode="fast-edit")
    reasons = {
        path: manager.check("write_file", Intent("write", path, (path,))).reason
        for path in (
            ".husky/x",
            ".vscode/x",
            ".mcp.json",
            ".bashrc",
            ".gdbinit",
            ".cargo/config.toml",
            ".gitlab-ci.yml",
        )
    }
    assert len({reason.partition("protected: ")[2] for reason in reasons.values()}) == len(reasons)


def test_what_a_session_was_made_from_is_read_but_never_written_and_what_stands_beside_it_asks(tmp_path: Path) -> None:
    made_from = MadeFrom((tmp_path / "c.yaml",), (tmp_path / "agents",))
    rules = (parse_rule("*", "allow", "user"), parse_rule("bash", "allow", "user"))
    manager = PermissionManager(tmp_path, rules, "fast-edit", made_from)
    decisions = {
        (access, path): manager.check("tool", Intent(access, path, (path,))).decision  # type: ignore[arg-type]
        for access in ("read", "write")
        for path in ("c.yaml", "agents/x.md", "other.yaml")
    }
    assert decisions == {
        ("read", "c.yaml"): "allow", ("read", "agents/x.md"): "allow", ("read", "other.yaml"): "allow",
        ("write", "c.yaml"): "deny", ("write", "agents/x.md"): "ask", ("write", "other.yaml"): "allow",
    }  # fmt: skip
    commands = ("touch c.yaml", "touch agents/x.md", "touch other.yaml")
    assert [manager.check("bash", Intent("execute", one, shell=True)).decision for one in commands] == [
        "ask",
        "ask",
        "allow",
    ]
