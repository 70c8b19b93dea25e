"""A session on the screen, and what a person does with it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.actions import SkipAction
from textual.binding import Binding
from textual.message import Message as TextualMessage
from textual.timer import Timer

from agent_workbench.conversation.events import (
    Answer,
    Question,
)
from agent_workbench.frontends.tui.widgets.find_line import FindLine
from agent_workbench.frontends.tui.widgets.prompt import PromptArea
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.session_view import SessionView
from agent_workbench.frontends.tui.widgets.transcript import Transcript

DRAFT_AFTER = 0.5
"""Seconds after the last letter in which what is written is kept."""


class ChatPane(SessionView):
    """One session, and a person's way into it: posts what the person wants; whoever owns it does it."""

    BINDINGS = [
        Binding("escape", "stop", "Stop", show=False, id="chat.stop", tooltip="Stop the running turn"),
        Binding("tab", "to_question", "Answer", show=False, id="chat.answer", tooltip="Go to the question"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="chat.page_up", tooltip="What was said before"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="chat.page_down", tooltip="What was said after"),
        Binding("end", "edge(1)", "Last", show=False, id="chat.last", tooltip="The end of what was said, and follow"),
        Binding("alt+o", "child", "Open agent", show=False, id="chat.child", tooltip="Open the last agent's session"),
        Binding("ctrl+o", "unfold", "Expand", show=False, id="chat.unfold", tooltip="Fold or unfold the last card"),
        Binding("ctrl+y", "copy", "Copy source", show=False, id="chat.copy", tooltip="Copy the last block's source"),
        Binding("ctrl+f", "find", "Find", show=False, id="chat.find", tooltip="Find in what was said"),
        Binding("ctrl+g", "want('external')", "$EDITOR", show=False, id="chat.external", tooltip="Write in $EDITOR"),
        Binding(
            "alt+up",
            "want('take_back')",
            "Take back",
            show=False,
            id="chat.take_back",
            tooltip="Take back the last that waits to be sent, into the prompt",
        ),
    ]

    @dataclass
    class Asked(TextualMessage):
        """Something is asked for."""

        pane: ChatPane

        @property
        def control(self) -> ChatPane:
            """The pane that asks."""
            return self.pane

    @dataclass
    class Submitted(Asked):
        """A text is to be sent to the session; while a turn runs it is queued, or said at the next step (`steer`)."""

        text: str
        steer: bool = False

    @dataclass
    class Answered(Asked):
        """A permission question was answered."""

        question: Question
        answer: Answer

    @dataclass
    class StopRequested(Asked):
        """The running turn is to be stopped."""

    @dataclass
    class CopyRequested(Asked):
        """A text is to be copied; `what` names it for people ("block", "code")."""

        text: str
        what: str

    @dataclass
    class ForkRequested(Asked):
        """A new session is to start after the message of this index."""

        message: int

    @dataclass
    class EditRequested(Asked):
        """The person's message of this index is to be edited and sent again, in a fork before it."""

        message: int
        text: str

    @dataclass
    class ChildRequested(Asked):
        """The session of an agent that works for this one is to be opened: its id where that is known, and its call."""

        session_id: str
        call_id: str

    @dataclass
    class HistoryRequested(Asked):
        """What was sent before is to be searched."""

    @dataclass
    class Wanted(Asked):
        """Something is to be done by name: `external` (the prompt in $EDITOR), `take_back`, `draft` (keep it)."""

        what: str

    @dataclass
    class PathsRequested(Asked):
        """Paths that fit `start` are wanted; `pane.prompt.offer_paths(start, paths)` shows them."""

        start: str

    _drafting: Timer | None = None

    def action_stop(self) -> None:
        """Ask for the turn to be stopped, else end a search; with neither, the key means something to others."""
        if self.busy:
            self.post_message(self.StopRequested(self))
        elif self.find.open:
            self.find.action_close()
        else:
            raise SkipAction

    def action_to_question(self) -> None:
        """Go to the question that waits."""
        if not self.question.waiting or self.question.has_focus_within:
            raise SkipAction
        self.question.focus()

    def action_page(self, step: int) -> None:
        """Scroll what was said, from the prompt."""
        self.transcript.action_page(step)

    def action_edge(self, step: int) -> None:
        """Go to the first or the last of what was said, from the prompt."""
        self.transcript.action_edge(step)

    def action_child(self) -> None:
        """Open the session of the agent that was called last, from the prompt."""
        self.transcript.action_child()

    def action_unfold(self) -> None:
        """Fold or unfold the last card, from the prompt."""
        self.transcript.action_unfold()

    def action_copy(self) -> None:
        """Copy the source of the last block, from the prompt."""
        self.transcript.action_copy()

    def action_find(self) -> None:
        """Find in what was said."""
        self.find.start()

    def action_want(self, what: str) -> None:
        """Ask for something (see `Wanted`)."""
        self.post_message(self.Wanted(self, what))

    def on_find_line_find(self, event: FindLine.Find) -> None:
        """Mark what is looked for and go to its last place."""
        event.stop()
        self.transcript.find(event.words)
        self.find.count(*self.transcript.finds)

    def on_find_line_step(self, event: FindLine.Step) -> None:
        """Go to another find."""
        event.stop()
        self.transcript.action_find_next(event.by)

    def on_find_line_closed(self, event: FindLine.Closed) -> None:
        """Go back to the prompt."""
        event.stop()
        self.prompt.focus()

    def on_text_area_changed(self, event: PromptArea.Changed) -> None:
        """Let the draft be kept a moment after the last letter."""
        if self._drafting is not None:
            self._drafting.stop()
        self._drafting = self.set_timer(DRAFT_AFTER, self._keep_draft)

    def _keep_draft(self) -> None:
        self._drafting = None
        self.action_want("draft")

    def on_prompt_area_submitted(self, event: PromptArea.Submitted) -> None:
        """Pass what was written on, and follow the answer."""
        event.stop()
        self.transcript.action_edge(1)
        self.post_message(self.Submitted(self, event.text, event.steer))

    def on_prompt_area_history_requested(self, event: PromptArea.HistoryRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.HistoryRequested(self))

    def on_prompt_area_paths_requested(self, event: PromptArea.PathsRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.PathsRequested(self, event.start))

    def on_question_card_answered(self, event: QuestionCard.Answered) -> None:
        """Pass the answer on; the prompt gets the focus back after the last one."""
        event.stop()
        if not self.question.waiting:
            self.prompt.focus()
        self.post_message(self.Answered(self, event.question, event.answer))

    def on_transcript_typed(self, event: Transcript.Typed) -> None:
        """Type or paste into the prompt what was meant for it."""
        event.stop()
        self.prompt.type_in(event.text)
        self.prompt.focus()

    def on_question_card_typed(self, event: QuestionCard.Typed) -> None:
        """Type into the prompt what was meant for it."""
        event.stop()
        self.prompt.type_in(event.text)
        self.prompt.focus()

    def on_transcript_copy_requested(self, event: Transcript.CopyRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.CopyRequested(self, event.text, event.what))

    def on_transcript_fork_requested(self, event: Transcript.ForkRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.ForkRequested(self, event.message))

    def on_transcript_child_requested(self, event: Transcript.ChildRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.ChildRequested(self, event.session_id, event.call_id))

    def on_transcript_edit_requested(self, event: Transcript.EditRequested) -> None:
        """Pass on."""
        event.stop()
        self.post_message(self.EditRequested(self, event.message, event.text))
