"""A session as it is shown: its title, what was said, what it asks, what it waits for, what it used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import (
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    ReplyFinished,
    ResultsReady,
    Retrying,
    StepStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, ToolCall
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.blocks import (
    NoticeBlock,
    blocks_of,
    reply_blocks,
    user_block,
    with_notices,
)
from agent_workbench.frontends.tui.widgets.find_line import FindLine
from agent_workbench.frontends.tui.widgets.lines import Run, width_of
from agent_workbench.frontends.tui.widgets.meter import meter_runs
from agent_workbench.frontends.tui.widgets.prompt import AFTER_END, AFTER_REPLY, PLACEHOLDER, PromptArea, PromptRow
from agent_workbench.frontends.tui.widgets.question import QuestionCard
from agent_workbench.frontends.tui.widgets.status_line import StatusLine
from agent_workbench.frontends.tui.widgets.todo_panel import TodoPanel
from agent_workbench.frontends.tui.widgets.tool_card import OUTPUT_KEPT, ToolBlock, todos, unfinished
from agent_workbench.frontends.tui.widgets.transcript import Transcript

DRAFT_KEPT = 4_000
"""Characters kept of arguments while they are being written."""
HINT = "Nothing said yet. Write below; Enter sends."
SHORT = 12
"""Lines under which the list of what is to be done gives way to what was said and asked."""
SIDE_BY_SIDE = 70
"""Cells under which the title leaves out the model."""

_DOTS = {"idle": ("○", "muted"), "failed": ("✗", "bad"), "stopped": ("■", "warn"), "needs you": ("?", "warn")}
_ENDS = {"completed": "idle", "cancelled": "stopped", "failed": "failed", "limited": "stopped"}


class SessionView(Vertical):
    """One session. It follows events and does nothing by itself.

    `load` shows a stored conversation, `show` one event after the other. Indexes are positions in the conversation:
    those loaded, then one for each `UserSaid`, `ReplyFinished` and `ResultsReady`.
    """

    DEFAULT_CSS = """
    SessionView {
        height: 1fr;
        background: $background;
        & > .title { background: $surface; }
        &:focus-within > .title { background: $panel; text-style: bold; }
        & > .meter { color: $text-muted; }
        &.-short > TodoPanel { display: none; }
    }
    """

    def __init__(
        self,
        *,
        number: int = 1,
        title: str = "",
        model: str = "",
        mode: str = "ask",
        clock: Callable[[], float] = monotonic,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.number, self.session_title, self.model, self.mode = number, title, model, mode
        self.state = "idle"
        self.pinned = 0
        """The config revision that the session keeps to, 0 where it follows its config."""
        self.origin = ""
        """What the last line says besides where panes stand side by side: config, revision and model."""
        self.usage = Usage()
        self.context_window: int | None = None
        self._context_tokens: int | None = None
        self._clock = clock
        self._said_by = ""
        self._ended = ""
        """Why the last reply ended, empty once something was said after it."""
        self._messages = 0
        self._step_at = 0
        self.transcript = Transcript(hint=HINT, clock=clock)
        """What was said."""
        self.question = QuestionCard(clock=clock)
        """The questions that wait."""
        self.prompt = PromptArea()
        """Where a person writes; its `draft` and `sent` may be read and set."""
        self._title = Bar(classes="title")
        self.status = StatusLine(clock=clock)
        """What the session waits for."""
        self.todo = TodoPanel()
        """What the agent still has to do."""
        self.find = FindLine()
        """Where words are found in what was said."""
        self._meter = Bar(classes="meter")

    def compose(self) -> ComposeResult:
        """Title, transcript, question, status, prompt, meter, from top to bottom."""
        yield self._title
        yield self.transcript
        yield self.find
        yield self.question
        yield self.todo
        yield self.status
        yield self.prompt.offers
        yield PromptRow(self.prompt)
        yield self._meter

    def on_mount(self) -> None:
        """Show what is known."""
        self._show_title()
        self.watch(self.transcript, "news", self._show_meter)
        self.watch(self.transcript, "finds", lambda finds: self.find.count(*finds), init=False)

    def on_click(self, event: events.Click) -> None:
        """Go to what is new where the line says that there is something."""
        if event.widget is self._meter and self.transcript.news:
            self.transcript.action_edge(1)

    @property
    def busy(self) -> bool:
        """Whether a turn runs, waiting for an answer included."""
        return self.state not in _ENDS.values()

    @property
    def spoken_name(self) -> str:
        """What a person calls it."""
        return f"pane {self.number}, {clean_line(self.session_title, 60) or 'new session'}, {self.state}"

    # --- what the owner says --------------------------------------------------------------------------------------

    def load(self, messages: Sequence[Message], notices: Sequence[tuple[int, Notice]] = ()) -> None:
        """Show a stored conversation from its end, in place of what was shown.

        `notices` are what was told besides, each with the index of the message that came after it, in order.
        """
        self._messages = len(messages)
        last = next((said for said in reversed(messages) if said.role != "tool"), None)
        self._said_by = (last.model or "assistant") if last is not None and last.role == "assistant" else ""
        self._ended = (last.stop_reason or "") if last is not None else ""
        self._clear_questions()
        self._tell(None)
        blocks = blocks_of(messages)
        self.transcript.load(with_notices(blocks, notices) if notices else blocks)
        lists = (todos(block) for block in reversed(blocks) if isinstance(block, ToolBlock))
        self.todo.put(next((found for found in lists if found), ()))
        self._step_at = self.transcript.count
        self._show_ways()

    def set_title(
        self,
        title: str | None = None,
        *,
        number: int | None = None,
        model: str | None = None,
        mode: str | None = None,
        pinned: int | None = None,
    ) -> None:
        """Change what the title says; None leaves a part as it is, and `pinned=0` says that it follows its config."""
        self.pinned = self.pinned if pinned is None else pinned
        self.session_title = self.session_title if title is None else title
        self.number = self.number if number is None else number
        self.model = self.model if model is None else model
        self.mode = self.mode if mode is None else mode
        self._show_title()

    def set_meter(self, usage: Usage, *, context_tokens: int | None = None, context_window: int | None = None) -> None:
        """Say what the session used so far, and how much of the model's context its last request filled."""
        self.usage, self._context_tokens, self.context_window = usage, context_tokens, context_window
        self._show_meter()

    def set_waiting(self, queued: Sequence[str], steered: Sequence[str] = ()) -> None:
        """Say what waits, the next one first: to be sent when the turn is over, and to be said at its next step."""
        self.status.wait(queued, steered)

    def drop_step(self) -> None:
        """Take away what was shown since the last step began: something else says it."""
        self.transcript.settle(self._step_at, ())

    def set_state(self, state: str) -> None:
        """Show a state word: `idle`, `writing`, `needs you`, `failed`, or what runs.

        Where the screen is read aloud, those that wait for the person are said.
        """
        told = state != self.state and state in _DOTS and self.is_mounted and self.transcript.heard
        self.state = state
        if told:
            self.notify(self.spoken_name, markup=False)
        self._show_ways()
        self._show_title()

    def _show_ways(self) -> None:
        """Name, where words will stand, what goes on after an end like this one."""
        after = None if self.busy else AFTER_REPLY.get(self._ended)
        self.prompt.placeholder = after or AFTER_END.get(self.state, PLACEHOLDER)

    def show_told(self, event: Event) -> None:
        """Take note of an event whose words are shown already."""
        if isinstance(event, TurnFinished):
            self._finish(event, told=True)

    def show(self, event: Event) -> None:
        """Show one event."""
        if self.status.counting:
            self._tell(None)
        match event:
            case TurnStarted(model=model):
                self.model = model or self.model
                self.set_state("waiting")
            case UserSaid(message):
                self.transcript.append(user_block(message, self._next()))
                self._said_by = self._ended = ""
            case StepStarted(model=model):
                self.model = model or self.model
                self._step_at = self.transcript.count
                self.transcript.new_reply()
                self.set_state("waiting")
            case TextDelta(text):
                self._stream(text, "writing")
            case ThinkingDelta(text):
                self._stream(text, "thinking")
            case ReplyFinished(message, usage):
                self._settle(message, usage)
            case ResultsReady():
                self._next()
            case Retrying():
                self._tell(event)
            case Notice(text, severity):
                self.transcript.append(NoticeBlock(text, severity, self._messages - 1))
            case TurnFinished():
                self._finish(event)
            case _:
                self._show_call(event)

    def _show_call(self, event: Event) -> None:
        """Show what happens to a tool call."""
        match event:
            case ToolCallDelta():
                self._write_call(event)
            case ToolStarted(call):
                self.transcript.put_tool(replace(self._card(call), call=call, state="running"), soon=False)
                self.set_state(f"running {clean_line(call.name, 30)}")
            case ToolOutput(call_id, text):
                self._print(call_id, text)
            case ToolFinished(call, result, duration_s):
                done = replace(self._card(call), state="done", result=result, duration_s=duration_s)
                done = done if unfinished(done) else replace(done, output="")
                self.transcript.put_tool(done, soon=False)
                if checklist := todos(done):
                    self.todo.put(checklist)
            case ApprovalRequired(question):
                self._ask(question)
            case ApprovalAnswered(call_id):
                self._answered(call_id)

    def show_found(self, message: int, words: str) -> None:
        """Go to the message of this index, and mark the words that were searched for."""
        self.transcript.focus()
        found, _ = self.transcript.find_in(message, words)
        self.find.show(found)
        self.find.count(*self.transcript.finds)

    def _next(self) -> int:
        self._messages += 1
        return self._messages - 1

    def _stream(self, text: str, state: str) -> None:
        who = self.model or "assistant"
        first = self.transcript.count == self._step_at and who != self._said_by
        self.transcript.stream(text, who=who if first else "", thinking=state == "thinking")
        if self.state != state:
            self.set_state(state)

    def _card(self, call: ToolCall) -> ToolBlock:
        return self.transcript.tool(call.call_id, call) or ToolBlock(call, message=self._messages - 1)

    def _write_call(self, delta: ToolCallDelta) -> None:
        card = self._card(ToolCall(delta.call_id, delta.name))
        call = card.call if card.call.name else ToolCall(delta.call_id, delta.name)
        draft = (card.draft + delta.arguments)[-DRAFT_KEPT:]
        self.transcript.put_tool(replace(card, call=call, state="writing", draft=draft))
        if self.state != "writing":
            self.set_state("writing")

    def _print(self, call_id: str, text: str) -> None:
        card = self.transcript.tool(call_id)
        if card is not None:
            self.transcript.put_tool(replace(card, output=(card.output + text)[-OUTPUT_KEPT:]))

    def _settle(self, message: Message, usage: Usage) -> None:
        who = message.model or self.model or "assistant"
        blocks = list(reply_blocks(message, self._next(), heading=who if who != self._said_by else ""))
        self._said_by, self._ended = who, message.stop_reason or ""
        waiting = [replace(block, state="waiting") if isinstance(block, ToolBlock) else block for block in blocks]
        self.transcript.settle(self._step_at, waiting)
        self._step_at = self.transcript.count
        self.usage += usage
        self._context_tokens = usage.input_tokens
        self._show_meter()

    def _ask(self, question: Question) -> None:
        """Show a question. It takes the focus from an empty prompt only, and gives back what was typed for that."""
        card = self.transcript.tool(question.call.call_id, question.call)
        if card is not None:  # a call of an agent that works for this session has its card in that agent's own
            self.transcript.put_tool(replace(card, state="asking"), soon=False)
        self._lead_to_question(here=self.has_focus_within)
        self.question.ask(question)
        self.set_state("needs you")
        if self.prompt.has_focus and not self.prompt.text:
            self.call_after_refresh(self.question.focus)

    def _lead_to_question(self, *, here: bool) -> None:
        self.question.lead("tab" if here else f"alt+{self.number}")

    def on_descendant_focus(self) -> None:
        """Say how to come to the question from within the pane."""
        self._lead_to_question(here=True)

    def on_descendant_blur(self) -> None:
        """Say how to come to the question from elsewhere."""
        self._lead_to_question(here=False)

    def _answered(self, call_id: str) -> None:
        card = self.transcript.tool(call_id)
        if card is not None and card.state == "asking":
            self.transcript.put_tool(replace(card, state="waiting"), soon=False)
        had_focus = self.question.has_focus_within
        self.question.withdraw(call_id)
        self.set_state("needs you" if self.question.waiting else "waiting")
        if had_focus and not self.question.waiting:
            self.prompt.focus()

    def _finish(self, event: TurnFinished, *, told: bool = False) -> None:
        self.transcript.end_tail(self._messages - 1)
        self._clear_questions()
        if event.error and not told:
            notice = NoticeBlock(event.error, "error" if event.status == "failed" else "warning", self._messages - 1)
            self.transcript.append(notice)
        elif event.status == "cancelled" and not told:
            self.transcript.append(NoticeBlock("stopped", "warning", self._messages - 1))
        self._step_at = self.transcript.count
        self.set_state(_ENDS[event.status])

    def _clear_questions(self) -> None:
        """Take all questions away; hiding the one with the focus would leave that to whatever comes first."""
        had_focus = self.question.has_focus_within
        self.question.clear()
        if had_focus:
            self.prompt.focus()

    # --- lines around ---------------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        dot, role = _DOTS.get(self.state, ("●", "state"))
        left = [(f"{self.number} · ", "muted"), (clean_line(self.session_title) or "new session", "")]
        right = [(f"{dot} ", f"{role} ornament"), (self.state, role)]
        if self.model and self.size.width >= SIDE_BY_SIDE:
            right.append((f"  {clean_line(self.model, 30)}", "muted"))
        if self.pinned:
            right.append((f"  pinned {self.pinned}", "warn"))
        right.append((f"  {clean_line(self.mode, 12)}", "muted" if self.mode == "ask" else "warn"))
        self._title.put(left, right)

    def _show_meter(self) -> None:
        below: list[Run] = [("↓ new below ", "state"), ("end", "key")] if self.transcript.news else []
        left = meter_runs(self.usage, self._context_tokens, self.context_window)
        framed = self.styles.border_bottom[0] not in ("", "none")  # then the frame says it
        if not below and not framed and width_of(left) + cell_len(self.origin) + 4 <= self.size.width:
            below = [(self.origin, "muted")]
        self._meter.put(left, below)

    def set_folder(self, words: str) -> None:
        """Say, while nothing was said yet, in which folder the session works."""
        self.transcript.hint = f"{HINT} It works in {clean_line(words, 60)}."
        self.transcript.refresh()

    def set_origin(self, words: str) -> None:
        """Say what the session runs with, where there is room; nothing where that needs no saying."""
        self.origin = clean_line(words, 60)
        self.border_subtitle = Content(self.origin)
        self._show_meter()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the title and the question."""
        self._show_title()
        self._show_meter()
        self.set_class(event.size.height < SHORT, "-short")
        self.question.fit(event.size.height)

    def _tell(self, event: Retrying | None) -> None:
        """Count a retry down while there is one."""
        if event is not None:
            self.set_state("retrying")
        self.status.retry(event)
