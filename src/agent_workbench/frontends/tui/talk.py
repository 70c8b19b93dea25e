"""What is done within one conversation: say, queue, steer, take back, run a command, try again, attach a file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import ApprovalAnswered, ApprovalRequired, Event, TurnFinished, UserSaid
from agent_workbench.conversation.messages import Message, user
from agent_workbench.errors import SessionBusy, WorkbenchError
from agent_workbench.frontends.tui.screens.pick import Name, Pick, explained, options
from agent_workbench.frontends.tui.widgets.blocks import spoken
from agent_workbench.frontends.tui.widgets.offers import mention
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.shell import command_in, run_command
from agent_workbench.services.workspace import gather, list_files

if TYPE_CHECKING:
    from agent_workbench.frontends.tui.screens.main import MainScreen

#: Seconds for which a folder's files are offered as they were read.
FRESH_S = 10.0
#: How many files are offered at most to the prompt, which shows the best few.
OFFERED = 200
CONTINUE = "Continue exactly where you stopped."


class Talk:
    """What a person says in the panes. Every coroutine runs in a worker of the screen."""

    def __init__(self, screen: MainScreen, shared: SharedContext) -> None:
        self._screen = screen
        self._shared = shared
        self._files: dict[Path, tuple[float, list[str]]] = {}
        self._commands: dict[str, asyncio.Task[None]] = {}

    @property
    def _grid(self) -> PaneGrid:
        return self._screen.query_one(PaneGrid)

    # --- saying

    async def say(self, session_id: str, text: str, *, steer: bool = False) -> None:
        """Send a text with the files that it names; while a turn runs it waits for its end, or for its next step."""
        sessions = self._shared.sessions
        gathered = await asyncio.to_thread(gather, text, await self.folder(session_id))
        for line in gathered.left_out:
            self._screen.tell(line, severity="warning")
        try:
            if not sessions.is_running(session_id):
                sessions.start(session_id, gathered.message)
            elif steer:
                sessions.steer(session_id, gathered.message)
            else:
                sessions.queue(session_id, gathered.message)
        except SessionBusy as error:
            self._screen.tell(str(error), title=error.title, severity="warning")
        except WorkbenchError as error:
            self._screen.tell(str(error), title=error.title, severity="error")
        self.show_waiting(session_id)

    def show_waiting(self, session_id: str) -> None:
        """Say in the panes of a session what waits to be sent."""
        sessions = self._shared.sessions
        queued, steered = sessions.waiting(session_id), sessions.steering(session_id)
        for pane in self._grid.showing(session_id):
            pane.set_waiting([spoken(one) for one in queued], [spoken(one) for one in steered])

    def take_back(self, pane: SessionPane, wanted: Message | None = None) -> None:
        """Put a message that waits, else the newest that does, back into the prompt, over what is written there."""
        message = self._shared.sessions.take_back(pane.session_id, wanted)
        if message is None:
            self._screen.tell("It is sent already." if wanted else "Nothing waits to be sent.")
            return
        pane.prompt.draft = "\n\n".join(filter(None, (spoken(message), pane.prompt.draft)))
        self.show_waiting(pane.session_id)

    async def retry(self, pane: SessionPane) -> None:
        """Say the last prompt again, in this pane: in a fork that begins before it and takes the session's place."""
        found = await self._before(pane)
        if found is not None and await self._instead(pane, found[0]):
            self._shared.sessions.start(self._active.session_id, found[1])

    async def revise(self, pane: SessionPane, message: int | None = None, text: str = "") -> None:
        """Put a prompt, the last one where no index is given, into the prompt of a fork that begins before it."""
        found = (message, user(text)) if message is not None else await self._before(pane)
        if found is not None and await self._instead(pane, found[0]):
            self._active.prompt.draft = spoken(found[1])

    async def _before(self, pane: SessionPane) -> tuple[int, Message] | None:
        found = await self.last_said(pane.session_id)
        if found is None:
            self._screen.tell("Nothing was said yet.")
        return found

    async def _instead(self, pane: SessionPane, messages: int) -> bool:
        """Show a fork of a session with so many messages in its pane; False, and said so, while a turn runs."""
        if pane.busy:
            self._screen.tell("It is still writing; esc stops it.")
            return False
        title = pane.session_title
        forked = await self._shared.sessions.fork_session(pane.session_id, up_to=messages, title=title, grants=True)
        self._grid.activate(pane, focus=False)
        await self._screen.sessions.open(forked.session_id)
        self._screen.tell("The session as it was is kept; F3 lists both.")
        return True

    @property
    def _active(self) -> SessionPane:
        pane = self._grid.active
        assert pane is not None, "a fork was just opened in it"
        return pane

    async def last_said(self, session_id: str) -> tuple[int, Message] | None:
        """Return what the person said last to the model, and how many messages came before."""
        stored = await self._shared.sessions.messages(session_id)
        said = ((one.seq - 1, one.message) for one in reversed(stored) if one.message.role == "user")
        return next((one for one in said if not command_in(spoken(one[1]))), None)

    async def go_on(self, pane: SessionPane) -> None:
        """Ask for the rest of a reply that was cut off."""
        if pane.busy:
            self._screen.tell("It is still writing.")
        elif await self.last_said(pane.session_id) is None:
            self._screen.tell("Nothing was said yet.")
        else:
            await self.say(pane.session_id, CONTINUE)

    # --- a command of one's own

    def run(self, pane: SessionPane, command: str) -> None:
        """Run a shell command in a pane's session."""
        if pane.session_id in self._commands or self._shared.sessions.is_running(pane.session_id):
            self._screen.tell("Wait until it is done, or stop it with esc.", severity="warning")
            pane.prompt.draft = f"!{command}"
            return
        task = asyncio.create_task(self._run(pane, command), name="a person's command")
        self._commands[pane.session_id] = task
        task.add_done_callback(lambda _: self._commands.pop(pane.session_id, None))

    async def _run(self, pane: SessionPane, command: str) -> None:
        finished = TurnFinished("cancelled")
        try:
            async with aclosing(run_command(self._shared, pane.session_id, command)) as events:
                async for event in events:
                    if isinstance(event, TurnFinished):
                        finished = event
                        break
                    if isinstance(event, UserSaid):
                        pane.drop_step()
                    pane.show(event)
                    await self._note(pane.session_id, event)
        except WorkbenchError as error:
            finished = TurnFinished("failed", error=str(error))
        finally:
            pane.show(finished)
            self._screen.call_later(self._screen.sessions.note, pane.session_id, finished)

    async def _note(self, session_id: str, event: Event) -> None:
        """Let a question of a command be seen and heard like one of a turn."""
        if isinstance(event, ApprovalRequired | ApprovalAnswered):
            await self._screen.sessions.note(session_id, event)

    async def stop(self, session_id: str) -> bool:
        """Stop a command that runs in a session; False where none does."""
        task = self._commands.get(session_id)
        if task is None:
            return False
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return True

    # --- the prompt

    async def offer_files(self, pane: SessionPane, start: str) -> None:
        """Offer the files of the session's folder and the config's context texts for what stands after an `@`."""
        folder = await self.folder(pane.session_id)
        read_at, files = self._files.get(folder, (-FRESH_S, []))
        if monotonic() - read_at > FRESH_S:
            files = await asyncio.to_thread(list_files, folder)
            self._files[folder] = (monotonic(), files)
        names = [*await self._contexts(pane.session_id), *files]
        pane.prompt.offer_paths(start, await asyncio.to_thread(best, names, start))

    async def _contexts(self, session_id: str) -> list[str]:
        session = await self._shared.sessions.get_session(session_id)
        if session is None:
            return []
        with suppress(WorkbenchError):  # a config that cannot run offers nothing
            folder = Path(session.workspace or ".")
            agent, _ = await self._shared.agents.of(session.config_id, session.pinned_revision, folder)
            return [name for name, _ in agent.plan.context_texts]
        return []

    async def folder(self, session_id: str) -> Path:
        """Return the folder that a session works in."""
        session = await self._shared.sessions.get_session(session_id)
        return Path(session.workspace) if session is not None and session.workspace else self._shared.workspace

    async def earlier(self, pane: SessionPane) -> None:
        """Let the person choose something that was sent before: here, then in any session, the newest first."""
        sent = dict.fromkeys(reversed(pane.prompt.sent), "")
        for one in await self._shared.sessions.said():
            if words := written(one.message):
                sent.setdefault(words, clean_line(one.title, 30))
        texts = list(sent)
        rows = [
            Row(str(n), [(clean_line(text, 1_000), "")], [(f"  {sent[text]}", "muted")] if sent[text] else ())
            for n, text in enumerate(texts)
        ]
        picked = await self._screen.app.push_screen_wait(Pick("What you sent", rows, search=True))
        if picked is not None:
            pane.prompt.draft = texts[int(picked)]

    async def attach(self, pane: SessionPane) -> None:
        """Let the person choose a file to send along; the prompt names it."""
        files = await asyncio.to_thread(list_files, await self.folder(pane.session_id))
        rows = options(*((name, name) for name in files[:2000]))
        picked = await self._screen.app.push_screen_wait(Pick("Send a file along", rows, search=True))
        if picked is not None:
            pane.prompt.type_in(f"{mention(picked)} ")

    async def keep_draft(self, pane: SessionPane) -> None:
        """Keep what is written, so that it survives a crash; nothing is written where nothing changed."""
        await self._screen.sessions.keep_prompt(pane)

    async def write_elsewhere(self, pane: SessionPane) -> None:
        """Let the prompt be written in $EDITOR."""
        text = await self._screen.chores.edit_elsewhere(pane.prompt.draft, suffix=".md")
        pane.prompt.draft = text.removesuffix("\n")
        pane.prompt.focus()

    async def wait_list(self, pane: SessionPane) -> None:
        """Show what waits to be sent; choosing one takes it back."""
        sessions = self._shared.sessions
        steered, queued = sessions.steering(pane.session_id), sessions.waiting(pane.session_id)
        waiting = [*steered, *queued]
        if not waiting:
            self._screen.tell("Nothing waits to be sent.")
            return
        when = ["at the next step"] * len(steered) + ["when the turn is over"] * len(queued)
        rows = explained(*((str(n), words, spoken(waiting[n])) for n, words in enumerate(when)))
        note = "Enter takes it back into the prompt."
        picked = await self._screen.app.push_screen_wait(Pick("Waiting", rows, note=note, search=True))
        if picked is not None:
            self.take_back(pane, waiting[int(picked)])

    async def title(self, pane: SessionPane, words: str = "") -> None:
        """Give the session a title."""
        title: str | None = words
        if not words:
            title = await self._screen.app.push_screen_wait(Name("Title of the session", pane.session_title))
        if title:
            await self._shared.sessions.update_session(pane.session_id, title=clean_line(title))
            for one in self._grid.showing(pane.session_id):
                one.set_title(title)
            await self._screen.refresh_lists()


def written(message: Message) -> str:
    """Return what a person wrote to say a message: a command of their own begins with its `!`."""
    words = spoken(message).strip()
    command = command_in(words)
    return f"!{command}" if command else words


def best(names: Iterable[str], start: str) -> list[str]:
    """Return the names that hold what was typed: a file name that begins with it first, then a path, then the rest."""
    wanted = start.casefold().removeprefix('"')
    held = [name for name in names if wanted in name.casefold()]

    def rank(name: str) -> int:
        folded = name.casefold()
        return 0 if folded.rpartition("/")[2].startswith(wanted) else 1 if folded.startswith(wanted) else 2

    return sorted(held, key=rank)[:OFFERED]
