"""What becomes of an answer to a permission question; what is to hold for ever is shown as the edit that it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.errors import RevisionConflict, WorkbenchError
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.pick import options
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.services.shared import SharedContext

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen


class Answering:
    """Passes answers on. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared

    async def answer(self, pane: SessionPane, question: Question, answer: Answer) -> None:
        """Pass an answer on; `allow_always` only once the person has seen what it changes in the config."""
        if answer.decision == "allow_always":
            chosen = await self._always(pane, question, answer)
            if chosen is None:
                pane.question.ask(question)
                return
            answer = chosen
        if not self._shared.sessions.answer(pane.session_id, question.id, answer):
            self._screen.tell("That question is answered already.", severity="warning")

    async def _always(self, pane: SessionPane, question: Question, answer: Answer) -> Answer | None:
        """Show the edit and make it; None where the person thought better of it or it cannot be made."""
        sessions = self._shared.sessions
        try:
            config, edit = await sessions.propose_grant(pane.session_id, question.rules)
        except WorkbenchError as error:
            self._screen.tell(f"{error} Allow it for the session instead.", title=error.title, severity="error")
            return None
        new = edit.apply(config.yaml_content)
        if new == config.yaml_content:
            return answer
        session = await sessions.get_session(pane.session_id)
        pinned = session is not None and session.pinned_revision is not None
        note = f"From now on, every session of {config.name} may do this without a question."
        if pinned:
            note += " This one is pinned to an older revision: for it, the answer holds as long as it lasts."
        rows = options(("save", "Save this to the config and allow"), ("session", "Only allow it for this session"),
                       ("back", "Back to the question"))  # fmt: skip
        title = f"Allow always: {', '.join(question.rules)}"
        picked = await self._screen.app.push_screen_wait(
            ConfirmChange(title, config.yaml_content, new, rows, note=note)
        )
        if picked == "session":
            return replace(answer, decision="allow_session")
        if picked != "save":
            return None
        try:
            saved = await sessions.apply_grant(config, edit)
        except RevisionConflict:
            self._screen.tell("Somebody saved this config meanwhile. Answer again to see the change anew.")
            return None
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
            return None
        await self._show_saved(saved.config_id, saved.revision)
        return answer

    async def _show_saved(self, config_id: str, revision: int) -> None:
        """Say that the config changed, and bring the desk up to date unless somebody is writing there."""
        self._screen.tell(f"Saved as revision {revision}.")
        desk = self._screen.configs
        if desk.config is not None and desk.config.config_id == config_id and not desk.desk.editor.dirty:
            await desk.open(config_id, ask=False)
        await self._screen.refresh_lists()
