"""A session under every order of sending, stopping, dying, answering, resuming, forking, switching and editing.

Whatever happened before: what is stored can be sent to every API, every message is there exactly once, each failure
says what it was, what was used is counted, and nothing is left running.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from services_kit import calls

from agent_workbench.conversation.codec import usage_from_json
from agent_workbench.conversation.events import Answer, ApprovalRequired, Event, TurnFinished
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.context import tokens
from agent_workbench.engine.repair import sendable
from agent_workbench.errors import SessionBusy
from agent_workbench.services.sessions import SessionManager
from agent_workbench.services.shared import open_workbench
from fakes.providers import check_sendable

READ = ("read_file", {"file_path": "a.txt"})
WRITE = ("write_file", {"file_path": "b.txt", "content": "x"})
SCRIPTS: dict[str, list[Any]] = {
    "words": ["one two three four five six", {"thinking": "hm hm", "text": "well then", "delay": 0.002}],
    "tools": [calls(READ, WRITE, text="both"), calls(WRITE), "done", calls(("nope", {}), READ), "done again"],
    "trouble": [
        {"text": "half of", "fault": "interrupted"},
        {**calls(WRITE), "stop_reason": "max_tokens"},
        {"tool_calls": [{"name": "read_file", "arguments": "{brok", "id": "x"}, {"name": "todo", "id": "x"}]},
        {"text": "", "fault": "auth"},
        {"thinking": "only thoughts"},
        {"text": "wait", "stop_reason": "pause"},
        "fine",
    ],
}


def config(first: str, second: str, window: int, broken: bool) -> str:
    """Return a config of two scripted providers; a broken one has none."""
    providers = [
        {"module": "provider-mock", "id": id, "config": {"responses": SCRIPTS[name], "loop": True, "delay": 0}}
        for id, name in (("one", first), ("two", second))
    ]
    data = {
        "bundle": {"name": "any"},
        "session": {
            "orchestrator": {"module": "loop-streaming", "config": {"max_iterations": 6}},
            "context": {"module": "context-simple", "config": {"max_tokens": window}},
        },
        "providers": [] if broken else providers,
        "tools": [{"module": "tool-filesystem"}, {"module": "tool-todo"}],
    }
    return str(yaml.safe_dump(data, sort_keys=False))


class Mortal:
    """A store that a process can lose: once it is dead nothing reaches the file, as after kill -9."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.dead = False
        self.sessions = self

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store.sessions, name, None) or getattr(self._store, name)
        if not callable(found):
            return found

        def call(*args: Any, **more: Any) -> Any:
            if self.dead:
                raise SessionBusy("killed")
            return found(*args, **more)

        return call


Act = Callable[["AnySession"], Any]


class AnySession(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.sent: list[str] = []
        self.said_ever = 0
        self.at_risk: set[str] = set()
        self.scripts = ("tools", "words")
        self.run(self.opened())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def opened(self) -> None:
        workspace = Path(self.folder.name) / "work"
        workspace.mkdir()
        (workspace / "a.txt").write_text("content of a")
        self.bench = open_workbench(Path(self.folder.name) / "b.db", workspace=workspace, samples=False)
        self.raw = self.bench.store.sessions
        self.born()
        made = await self.bench.configs.create_config("any", config("tools", "words", 100_000, False))
        self.config_id = made.config_id
        self.session_id = (await self.sessions.create_session(self.config_id)).session_id
        self.all = [self.session_id]

    def born(self) -> None:
        """Start a process."""
        self.mortal = Mortal(self.bench.store)
        self.sessions = SessionManager(self.mortal, self.bench.agents, workspace=self.bench.workspace)  # type: ignore[arg-type]

    def teardown(self) -> None:
        async def closed() -> None:
            await self.sessions.close()
            await self.bench.close()

        self.run(closed())
        self.runner.close()
        self.folder.cleanup()

    # --- what a person does

    @rule(
        at=st.integers(0, 14),
        act=st.sampled_from(["nothing", "nothing", "cancel", "cancel twice", "kill", "queue", "steer", "switch"]),
        decision=st.sampled_from(["allow", "allow_session", "allow_always", "deny"]),
    )
    def send(self, at, act, decision):
        self.run(self.turn(at, act, decision))

    async def turn(self, at: int, act: str, decision: Any) -> None:
        following = self.sessions.follow(self.session_id)
        before = len(self.raw.turns(self.session_id))
        self.sessions.start(self.session_id, self.said())
        count, ended = 0, 0
        if at == 0:
            await self.act(act)
        while self.sessions.is_running(self.session_id) or following.pending:
            async with asyncio.timeout(30):
                event: Event = await anext(following)
            count += 1
            if count == at:
                await self.act(act)
            if isinstance(event, ApprovalRequired):
                self.sessions.answer(self.session_id, event.question.id, Answer(decision))
            if isinstance(event, TurnFinished):
                ended += 1
                assert (event.status in ("completed", "cancelled")) != bool(event.error)
                assert "\n" not in event.error
            if self.mortal.dead:
                break
        await following.aclose()
        if self.mortal.dead:
            await self.reborn()
        else:
            assert ended == len(self.raw.turns(self.session_id)) - before >= 1

    def said(self) -> str:
        self.said_ever += 1  # a fork may know fewer
        self.sent.append(f"m{self.said_ever};")
        return self.sent[-1]

    async def act(self, act: str) -> None:
        match act:
            case "cancel":
                await self.sessions.cancel(self.session_id)
            case "cancel twice":
                await asyncio.gather(self.sessions.cancel(self.session_id), self.sessions.cancel(self.session_id))
            case "queue":
                self.sessions.queue(self.session_id, self.said())
            case "steer":
                self.sessions.steer(self.session_id, self.said())
            case "switch" if not self.broken:
                await self.sessions.change_settings(self.session_id, provider="two", permission_mode="fast-edit")
            case "kill":
                self.at_risk.update(self.sent[-1:])
                self.mortal.dead = True
                await self.sessions.cancel(self.session_id)

    async def reborn(self) -> None:
        """Let the dead process's lease run out, and start another process."""
        await self.sessions.close()
        lease = self.raw.lease(self.session_id)
        if lease is not None:
            self.raw.renew(lease, lease_s=-1)
        self.born()
        assert await self.sessions.resume_session(self.session_id) is not None

    @rule(place=st.integers(0, 12))
    def fork(self, place):
        fork = self.run(self.sessions.fork_session(self.session_id, up_to=place))
        self.all.append(fork.session_id)
        self.session_id = fork.session_id
        self.sent = [text for text in self.sent if text in self.words()]
        self.at_risk &= set(self.sent)

    @rule(
        provider=st.sampled_from(["", "one", "two"]),
        model=st.sampled_from([None, "", "mock-large"]),
        mode=st.sampled_from(["ask", "fast-edit", "read-only", "plan"]),
        steps=st.sampled_from([0, 1, 3]),
    )
    def settle(self, provider, model, mode, steps):
        change = self.sessions.change_settings(
            self.session_id, provider=provider, model=model, permission_mode=mode, max_steps=steps
        )
        if not provider or not self.broken:
            self.run(change)
        else:
            change.close()

    @rule(
        first=st.sampled_from(sorted(SCRIPTS)),
        second=st.sampled_from(sorted(SCRIPTS)),
        window=st.sampled_from([300, 100_000]),
        broken=st.sampled_from([False, False, False, True]),
    )
    def edit(self, first, second, window, broken):
        self.scripts = (first, second)
        text = config(first, second, window, broken)
        self.run(self.bench.configs.update_config(self.config_id, yaml_content=text))

    @precondition(lambda self: len(self.sent) > 2)
    @rule()
    def compact(self):
        """Let the next request carry only a part of what was said; what is stored stays whole."""
        text = config(*self.scripts, 40, False)
        self.run(self.bench.configs.update_config(self.config_id, yaml_content=text))
        stored = [one.message for one in self.raw.messages(self.session_id)]
        self.run(self.turn(99, "nothing", "deny"))
        events = [one for one in self.raw.events(self.session_id) if one.kind == "notice"]
        assert any(one.data.get("data", {}).get("compaction") for one in events) or tokens(stored) < 40
        assert [one.message for one in self.raw.messages(self.session_id)][: len(stored)] == stored

    @precondition(lambda self: self.sent)
    @rule()
    def run_in_the_foreground(self):
        async def work() -> None:
            if not self.broken:
                answer = await self.sessions.send_message(self.session_id, self.said(), frontend=No())
                assert answer["status"] in ("completed", "failed", "limited")

        self.run(work())

    @property
    def broken(self) -> bool:
        stored = self.bench.store.configs.get(self.config_id)
        return stored is not None and "providers: []" in stored.yaml_content

    def words(self) -> str:
        """Return all that was said and all that is the draft."""
        said = [one.message.text for one in self.raw.messages(self.session_id) if one.message.role == "user"]
        session = self.raw.get(self.session_id)
        assert session is not None
        return " ".join([*said, session.draft])

    # --- what holds

    @invariant()
    def every_transcript_can_be_sent_and_is_counted(self):
        for session_id in self.all:
            stored = self.raw.messages(session_id)
            session = self.raw.get(session_id)
            assert session is not None
            assert [one.seq for one in stored] == list(range(1, session.message_count + 1))
            if stored:
                check_sendable(sendable([one.message for one in stored]))

    @invariant()
    def every_message_is_there_once(self):
        words = self.words()
        for text in self.sent:
            assert words.count(text) == 1 or (text in self.at_risk and words.count(text) == 0), text

    @invariant()
    def every_turn_is_closed_and_says_why(self):
        for session_id in self.all:
            turns = self.raw.turns(session_id)
            dead = self.raw.lease(session_id) is not None  # its process was killed: the next turn closes it
            for turn in turns[:-1] if dead else turns:
                assert turn.state != "running"
                assert turn.state in ("completed", "cancelled") or turn.error
                events = self.raw.events(session_id, turn_id=turn.turn_id)
                used = [usage_from_json(event.data.get("usage")) for event in events if event.kind == "reply"]
                assert sum(used, Usage()) == turn.usage
                assert len(used) == turn.steps
            session = self.raw.get(session_id)
            assert session is not None
            total = sum((turn.usage for turn in turns), Usage())
            assert self.raw.usage(session_id=session_id) == total
            assert session.cost == total.cost

    @invariant()
    def nothing_is_left_running(self):
        assert [one for one in self.all if self.sessions.is_running(one) or self.sessions.questions(one)] == []
        left = asyncio.all_tasks(self.runner.get_loop())
        assert [task for task in left if task.get_name() != "watches other processes"] == []


class No:
    """A front end that denies."""

    async def ask(self, question: Any) -> Answer:
        return Answer("deny", "no")


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
AnySession.TestCase.settings = settings(
    max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=QUIET
)
TestAnySession = AnySession.TestCase


class LongSession(AnySession):
    pass


LongSession.TestCase.settings = settings(
    max_examples=300, stateful_step_count=20, deadline=None, suppress_health_check=QUIET
)
TestManyLongSessions = pytest.mark.slow(pytest.mark.timeout(1800)(LongSession.TestCase))
