"""`tool-bash`: run a shell command, in a sandbox where the machine has one."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from agent_workbench import paths
from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.permissions.rules import Rule, parse_rule
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.processes import clean_environment, run_program

MAX_TIMEOUT = 600
MAX_COMMAND = 30_000
"""Characters. Linux takes at most 131,072 bytes in one argument, and a character has up to four."""


class BashConfig(ModuleConfig):
    """The config of `tool-bash`."""

    timeout: int = Field(default=30, ge=1, le=MAX_TIMEOUT)
    """Seconds a command may take when the call does not say."""
    allowed_commands: list[str] = Field(default_factory=list)
    """No effect here: nothing here lets a command run without a question."""
    denied_commands: list[str] = Field(default_factory=list)
    """Patterns such as `rm *`; a command that holds one anywhere is refused."""
    require_approval: bool = True
    """No effect here: the permission rules decide here."""
    network: bool = False
    """Whether the sandbox lets commands reach the network."""
    environment: list[str] = Field(default_factory=list)
    """Names of environment variables that commands get besides the harmless ones."""
    memory_mb: int = Field(default=4096, ge=64)
    """How much memory each process of a command may have."""


@dataclass(frozen=True)
class Bash:
    """bash: one command, its output and exit code."""

    config: BashConfig
    spec = ToolSpec(
        "bash",
        "Run a command with bash in the workspace and return its output and exit code. Each call is a new shell.",
        {
            "type": "object",
            "properties": {
                "command": {
                    "type": "string", "minLength": 1, "maxLength": MAX_COMMAND,
                    "description": "The command. Long texts belong into a file, written by another tool.",
                },
                "timeout": {
                    "type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT,
                    "description": "Seconds after which it is stopped.",
                },
            },
            "required": ["command"],
        },
    )  # fmt: skip

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which command, and whether anything confines it."""
        command, reach = arguments["command"], "" if self.config.network else " and without network"
        note = (
            f"It runs in a sandbox: only the workspace is writable{reach}."
            if sandbox()
            else "Nothing confines it: bubblewrap is not usable here, so it can do whatever you can do."
        )
        return Intent("execute", command, preview=command, preview_kind="command", note=note, shell=True)

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run it, with its output streamed; stopping the turn stops the whole process group."""
        command = arguments["command"]
        refusal = self._refusal(command)
        if refusal:
            return ToolOutcome(refusal, is_error=True)
        timeout = arguments.get("timeout", self.config.timeout)
        argv = self._argv(command, context.workspace)
        environment = clean_environment(passing=self.config.environment)
        try:
            done = await run_program(
                argv, folder=context.workspace, environment=environment, timeout=timeout, emit=context.emit
            )
        except OSError as error:
            return ToolOutcome(f"bash cannot be started: {error.strerror or error}", is_error=True)
        details = {"exit_code": done.code, "timed_out": done.timed_out, "sandbox": bool(sandbox())}
        if done.timed_out:
            return ToolOutcome(f"{done.output}\n[stopped after {timeout} seconds]", is_error=True, details=details)
        tail = "" if done.code == 0 else f"\n[exit code {done.code}]"
        return ToolOutcome((done.output + tail).strip("\n") or "(no output)", done.code != 0, details=details)

    def _refusal(self, command: str) -> str:
        if "\0" in command:
            return "a command cannot hold a NUL"
        for text in self.config.denied_commands:
            if Rule("bash", text, "deny", "bundle").matches_command(command):
                return f"the config denies {text!r}"
        return ""

    def _argv(self, command: str, workspace: Path) -> Sequence[str]:
        # -d counts what is really writable; -v would stop programs that only reserve addresses, as node and java do
        limited = f"ulimit -d {self.config.memory_mb * 1024} 2>/dev/null\n{command}"
        plain = ("bash", "--noprofile", "--norc", "-c", limited)
        program = sandbox()
        return (*_confined(program, workspace, network=self.config.network), *plain) if program else plain


@functools.cache
def sandbox() -> str:
    """Return the path of a bubblewrap that works here, or an empty string. Tried once per process."""
    program = shutil.which("bwrap")
    if not program:
        return ""
    try:
        trial = subprocess.run(
            [program, "--ro-bind", "/", "/", "--unshare-all", "true"], capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return program if trial.returncode == 0 else ""


def _confined(program: str, workspace: Path, *, network: bool) -> tuple[str, ...]:
    """Return bubblewrap's words: everything read-only, the workspace writable, our own state and secrets hidden."""
    root = os.path.realpath(workspace)
    hidden = [
        paths.data_dir(),
        paths.config_dir(),
        paths.log_dir(),
        *(Path.home() / n for n in (".ssh", ".aws", ".gnupg")),
    ]
    words = [
        program,
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--bind",
        root,
        root,
    ]
    for folder in hidden:
        if folder.is_dir():
            words += ["--tmpfs", str(folder)]
    git = os.path.join(root, ".git")
    if os.path.isdir(git):
        for part in ("hooks", "config"):
            if os.path.exists(os.path.join(git, part)):
                words += ["--ro-bind", os.path.join(git, part), os.path.join(git, part)]
    words += ["--chdir", root, "--unshare-all", "--die-with-parent", "--new-session"]
    return (*words, "--share-net", "--") if network else (*words, "--")


def create(config: BashConfig, context: MountContext) -> tuple[Tool, ...]:
    """Make the tool.

    Raises:
        PermissionRuleError: If a denied command is not a pattern.
    """
    for text in config.denied_commands:
        parse_rule(f"bash({text})", "deny", "bundle")
    return (Bash(config),)


MODULE = Module("tool-bash", "tool", "Run shell commands in the workspace: bash.", BashConfig, create, ("bash",))
