"""Permission questions that wait for an answer from whatever front end looks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.errors import NotFound
from agent_workbench.services.settings import SessionSettings, granted
from agent_workbench.storage.ports import SessionStore

BEFORE = "allowed for this session before"


class Questions:
    """The questions of one running turn, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Question, asyncio.Future[Answer]]] = {}

    @property
    def waiting(self) -> tuple[Question, ...]:
        """The questions that wait."""
        return tuple(question for question, answer in self._waiting.values() if not answer.done())

    def expect(self, question: Question) -> asyncio.Future[Answer]:
        """Return what will hold the answer to a question, the same for every call about it."""
        if question.id not in self._waiting:
            self._waiting[question.id] = (question, asyncio.get_running_loop().create_future())
        return self._waiting[question.id][1]

    def answer(self, question_id: str, answer: Answer) -> bool:
        """Answer a question once; False where it does not wait any more."""
        found = self._waiting.get(question_id)
        if found is None or found[1].done():
            return False
        found[1].set_result(answer)
        return True

    def cover(self, rules: Collection[str], why: str) -> None:
        """Answer what waits and what these allowing rules cover, but nothing that only a person may answer."""
        for question in self.waiting:
            if covered(question, rules):
                self.answer(question.id, Answer("allow", why))

    def done(self, question: Question) -> None:
        """Forget a question."""
        self._waiting.pop(question.id, None)

    def clear(self) -> None:
        """Forget all: the turn is over."""
        for _, answer in self._waiting.values():
            answer.cancel()
        self._waiting.clear()


def covered(question: Question, rules: Collection[str]) -> bool:
    """Whether each rule that would be saved for a question is among these, and nothing but the default asks."""
    return bool(question.rules) and not question.firm and all(rule in rules for rule in question.rules)


class Anybody:
    """The front end of a turn in the background: waits for an answer; what was allowed for the session goes through.

    `allow_always` counts for the session at once; the config is changed by `SessionManager.propose_grant` and its
    edit, which the person sees first.
    """

    def __init__(self, store: SessionStore, session_id: str, questions: Questions) -> None:
        self._store = store
        self._session_id = session_id
        self._questions = questions

    async def ask(self, question: Question) -> Answer:
        """Return the answer once somebody gives it."""
        waiting = self._questions.expect(question)
        try:
            if await asyncio.to_thread(self._granted, question):
                return Answer("allow", BEFORE)
            answer = await waiting
        finally:
            self._questions.done(question)
        if answer.decision in ("allow_session", "allow_always") and answer.decision in question.scopes:
            await asyncio.to_thread(self._grant, question.rules)
            self._questions.cover(question.rules, BEFORE)  # agents that work for the session ask beside each other
        return answer

    def _granted(self, question: Question) -> bool:
        session = self._store.get(self._session_id)
        grants = SessionSettings.of(session.settings).grants if session else ()
        return covered(question, grants)

    def _grant(self, rules: Sequence[str]) -> None:
        with suppress(NotFound):  # the session was deleted: the turn ends at its next write
            self._store.change_settings(self._session_id, lambda stored: granted(stored, rules))
