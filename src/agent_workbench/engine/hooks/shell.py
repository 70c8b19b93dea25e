"""`hook-shell`: programs that hear what happens, with JSON in and JSON out, in the widely used hook format.

Exit code 0 goes on, 2 denies, anything else is a failure; standard output may hold `{"decision", "reason",
"contextInjection"}`. Programs come from texts that the person trusts, never from files of the workspace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.engine.ports import HookAnswer, HookEvent, MountContext
from agent_workbench.engine.tools.processes import Finished, clean_environment, run_program

MAX_SECONDS = 120
HEARD = {
    "PreToolUse": ("tool:pre",), "PostToolUse": ("tool:post", "tool:error"), "UserPromptSubmit": ("prompt:submit",),
    "Stop": ("execution:end",), "SessionStart": ("session:start",), "SessionEnd": ("session:end",),
    "Notification": ("approval:required",),
}  # fmt: skip
GOES_ON = (None, "", "approve", "allow", "continue")
BLOCKING = frozenset({"tool:pre", "prompt:submit"})
_ALIASES = {
    "bash": "Bash", "read_file": "Read", "write_file": "Write", "edit_file": "Edit", "grep": "Grep", "glob": "Glob",
    "web_fetch": "WebFetch", "web_search": "WebSearch", "todo": "TodoWrite", "task": "Task",
}  # fmt: skip


class ShellCommand(ModuleConfig):
    """One program."""

    type: Literal["command"] = "command"
    """Only programs are run."""
    command: str = Field(min_length=1)
    """A command line for bash, run in the session's folder."""
    timeout: float = Field(default=20, gt=0, le=MAX_SECONDS)
    """Seconds it may take."""


class ShellMatcher(ModuleConfig):
    """Programs for the tools that a pattern fits."""

    matcher: str = ".*"
    """A regular expression over the tool's name, ours or the common one: `bash`, `Edit|Write`."""
    hooks: list[ShellCommand] = Field(default_factory=list)
    """The programs, run one after another."""


class ShellConfig(ModuleConfig):
    """The config of `hook-shell`."""

    hooks: dict[Literal["PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SessionStart", "SessionEnd",
                        "Notification"], list[ShellMatcher]] = Field(default_factory=dict)  # fmt: skip
    """Programs by the event that they hear."""
    environment: list[str] = Field(default_factory=list)
    """Names of environment variables that programs get besides the harmless ones."""
    fail_closed: bool = True
    """Deny when a program before a tool or a prompt fails or takes too long."""
    priority: int = 50
    """When it is asked: lower is earlier."""


class HookFailed(RuntimeError):
    """A program failed: a wrong exit code, or its time ran out."""


@dataclass(frozen=True)
class Shell:
    """Runs the programs of one config entry."""

    config: ShellConfig
    workspace: Path
    events: frozenset[str]
    id: str = "hook-shell"
    guards: bool = False
    priority: int = 50
    timeout_s: float = MAX_SECONDS * 5.0

    async def handle(self, event: HookEvent) -> HookAnswer:
        """Run what listens; a denial ends it, else the first question is asked, else injections are joined.

        Raises:
            HookFailed: If a program fails where nothing can be denied any more, or failures are let pass.
        """
        injected: list[str] = []
        question: HookAnswer | None = None
        for program in self._programs(event):
            try:
                answer = _answer(await self._run(program, event))
            except (OSError, HookFailed) as error:
                if event.name in BLOCKING and self.config.fail_closed:
                    return HookAnswer("deny", f"the hook `{program.command[:80]}` failed: {error}")
                raise
            if answer.action == "deny":
                return answer
            if answer.action == "ask_user":
                question = question or answer
            elif answer.text:
                injected.append(answer.text)
        if question is not None:
            return question
        return HookAnswer("inject_context", text="\n".join(injected)) if injected else HookAnswer()

    def _programs(self, event: HookEvent) -> Iterator[ShellCommand]:
        tool = event.data.get("tool_name")
        names = (str(tool), _ALIASES.get(str(tool), str(tool)))
        for heard, matchers in self.config.hooks.items():
            if event.name not in HEARD[heard]:
                continue
            for each in matchers:
                if tool is None or any(re.fullmatch(each.matcher or ".*", name, re.IGNORECASE) for name in names):
                    yield from each.hooks

    async def _run(self, program: ShellCommand, event: HookEvent) -> Finished:
        data = {key: value for key, value in event.data.items() if key != "history"}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        given = {"event": event.name, "session_id": event.session_id, "timestamp": now, **data}
        extra = {"AMPLIFIER_PROJECT_DIR": str(self.workspace), "AMPLIFIER_SESSION_ID": event.session_id}
        done = await run_program(
            ["bash", "--noprofile", "--norc", "-c", program.command],
            folder=self.workspace,
            environment=clean_environment(extra, passing=self.config.environment),
            timeout=program.timeout,
            stdin=json.dumps(given, default=str).encode("ascii"),
        )
        if done.timed_out:
            raise HookFailed(f"it took more than {program.timeout:g} seconds")
        if done.code not in (0, 2):
            raise HookFailed(f"exit code {done.code}: {done.output.strip()[:300]}".rstrip(": "))
        return done


def _answer(done: Finished) -> HookAnswer:
    """Read what a program said (HookFailed where it decided something that nobody knows: that is no leave to go on)."""
    said = _json(done.output)
    reason = str(said.get("reason") or (done.output.strip()[:2000] if not said else ""))
    if done.code == 2 or said.get("decision") in ("block", "deny"):
        return HookAnswer("deny", reason or "a hook denied it")
    if said.get("decision") == "ask":
        return HookAnswer("ask_user", text=reason or "a hook asks")
    if said.get("decision") not in GOES_ON:
        raise HookFailed(f"nobody knows the decision {str(said['decision'])[:80]!r}")
    return HookAnswer(text=str(said.get("contextInjection") or ""))


def _json(output: str) -> Mapping[str, Any]:
    """Return the JSON object that was printed, alone or as a line among others."""
    for text in (output, *reversed(output.splitlines())):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):  # brackets within brackets, as a model may have them printed
            continue
        if isinstance(found, dict):
            return found
    return {}


def create(config: ShellConfig, context: MountContext) -> Shell:
    """Make the hook.

    Raises:
        re.error: If a matcher is no regular expression.
    """
    for matchers in config.hooks.values():
        for each in matchers:
            re.compile(each.matcher)
    events = frozenset(name for heard in config.hooks for name in HEARD[heard])
    return Shell(config, context.workspace, events, context.instance_id or "hook-shell", priority=config.priority)


MODULE = Module("hook-shell", "hook", "Runs programs of yours on events, JSON in and out.", ShellConfig, create)
