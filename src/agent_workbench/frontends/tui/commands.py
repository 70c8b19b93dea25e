"""Everything that can be asked of the workbench, once: keys, palette, slash commands and help come from here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from textual.binding import BindingType

from agent_workbench.configs.words import nearest
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.footer import key_name
from agent_workbench.frontends.tui.widgets.row_list import Row


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do. `action` is one of the main screen's; `label` stands in the footer where `show` is set."""

    id: str
    title: str
    help: str
    action: str
    key: str = ""
    label: str = ""
    slash: str = ""
    show: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("app.help", "Help", "What the focused thing is for, and its keys", "help", "f1", "help", "help", True),
    Command("app.palette", "Commands", "Everything by name", "do('palette')", "ctrl+p", "commands", "", True),
    Command("go.configs", "Go to the configs", "The config browser", "view('configs')", "f2", "configs", "configs"),
    Command("go.sessions", "Go to the sessions", "The session list", "view('sessions')", "f3", "sessions", "sessions"),
    Command("go.chat", "Go to the chat", "The active pane", "view('chat')", "f4", "chat"),
    Command("go.edit", "Go to the editor", "The config's text", "edit", "f7,alt+e", "edit", "edit"),
    Command("config.run", "Check and run", "Check it, save it and start a session", "do('run')", "f5", "run", "run"),
    Command("config.tab", "Next tab", "Edit, Plan, Problems, History", "next_tab", "f6", "next tab"),
    Command("config.plan", "Plan", "What a session is made from, and who set it", "tab('Plan')", "", "", "plan"),
    Command("config.problems", "Problems", "What is wrong, and how to fix it", "tab('Problems')", "", "", "problems"),
    Command("config.history", "History", "Saved revisions, and the way back", "tab('History')", "", "", "history"),
    Command("config.target", "Go to what is named", "The include, agent, file, module or variable at the cursor",
            "place('target')", "", "", "goto"),
    Command("config.section", "Go to section", "A section or entry of the text", "place('section')", "", "", "section"),
    Command("config.line", "Go to line", "A line of the text by its number", "place('line')", "", "", "line"),
    Command("config.back", "Back", "To where the last jump in the text began", "place('back')", "", "", "back"),
    Command("config.add", "Add…", "A tool, provider, include, agent or hook", "add('')", "alt+a", "add", "add"),
    Command("config.add_tool", "Add tool", "Let the model use something more", "add('tool')", "", "", "add-tool"),
    Command("config.add_provider", "Add provider", "Another model provider", "add('provider')", "", "", "add-provider"),
    Command("config.add_include", "Add include", "Build on another bundle", "add('include')", "", "", "add-include"),
    Command("config.add_agent", "Add agent", "An agent to delegate to", "add('agent')", "", "", "add-agent"),
    Command("config.add_hook", "Add hook", "Something that listens to a session", "add('hook')", "", "", "add-hook"),
    Command("config.entry", "Change entry", "The settings of the entry at the cursor, in a form", "change('entry')",
            "alt+s", "change entry", "entry"),
    Command("config.toggle", "Disable or enable", "Comment the entry at the cursor out, or in again",
            "change('toggle')", "alt+d", "disable", "toggle"),
    Command("config.remove", "Remove entry", "The one at the cursor, with its comment", "change('remove')", "", "",
            "remove-entry"),
    Command("config.fix", "Fix", "The problem at the cursor, where a fix is known", "change('fix')", "", "", "fix"),
    Command("config.fix_all", "Fix all", "Every problem that knows its fix", "change('fix_all')", "", "", "fix-all"),
    Command("config.secrets", "Move secrets", "Out of the text, into the keyring or a variable", "change('secrets')",
            "", "", "secrets"),
    Command("config.effect", "What saving changes", "For a session of this config, and when", "effect", "", "",
            "changes"),
    Command("config.compare", "Compare configs", "This one with another, as a session sees them", "config('compare')",
            "", "", "compare-configs"),
    Command("config.new", "New config", "From one of the samples", "config('create')", "", "", "new-config"),
    Command("config.import", "Import", "A file, folder or address as a config", "config('import')", "", "", "import"),
    Command("config.trust", "Trust", "What its imported and included texts would do; yes or no", "config('trust')", "",
            "", "trust"),
    Command("config.export", "Export config", "To a file, secrets left out", "config('export')", "", "",
            "export-config"),
    Command("config.rename", "Rename config", "Give it another name", "config('rename')", "", "", "rename"),
    Command("config.copy", "Copy config", "Text, description and tags", "config('duplicate')", "", "", "copy-config"),
    Command("config.tags", "Tags", "Of the config, and its folder", "config('tags')", "", "", "tags"),
    Command("config.search", "Search configs", "Words in names and texts, #tag for a tag", "config('search')", "", "",
            "search"),
    Command("config.sort", "Sort configs", "By name, or the newest first", "config('sort')", "", "", "sort"),
    Command("config.link", "Link to a file", "Saving writes it; its changes are asked about", "config('link')", "",
            "", "link"),
    Command("config.unlink", "Unlink the file", "Both stay as they are", "config('unlink')", "", "", "unlink"),
    Command("config.prune", "Prune history", "Keep only the newest revisions", "config('prune')", "", "", "prune"),
    Command("config.delete", "Delete config", "It can be taken back for some seconds", "config('delete')", "", "",
            "delete-config"),
    Command("config.undelete", "Undelete config", "Take the newest deletion back", "config('undo')", "", "",
            "undelete-config"),
    Command("session.new", "New session", "A session of the config, in a new pane", "do('new_session')", "ctrl+n",
            "new session", "new", True),
    Command("session.split", "Split", "A second session of the same config beside this one", "do('split')", "ctrl+t",
            "split", "split", True),
    Command("session.close", "Close pane", "The session goes on", "do('close_pane')", "ctrl+w", "close pane", "close"),
    Command("session.zoom", "Zoom", "What has the focus alone, and back", "zoom", "alt+z", "zoom", "zoom"),
    Command("layout.lists", "Hide the lists", "Or show them again", "hide('lists')", "ctrl+b", "hide lists", "lists"),
    Command("layout.hide", "Hide this", "The column of the focus; going there shows it again", "hide('')", "alt+h",
            "hide", "hide"),
    Command("layout.wider", "Wider", "The column of the focus", "resize(4)", "alt+shift+right", "wider", "wider"),
    Command("layout.narrower", "Narrower", "The column of the focus", "resize(-4)", "alt+shift+left", "narrower",
            "narrower"),
    Command("layout.higher", "Configs lower down", "More lines for the list of configs", "resize(0, 2)",
            "alt+shift+down", "higher", "higher"),
    Command("layout.lower", "Configs higher up", "More lines for the list of sessions", "resize(0, -2)",
            "alt+shift+up", "lower", "lower"),
    Command("layout.reset", "Reset the layout", "Sizes as at first, everything shown", "reset_layout", "", "",
            "reset-layout"),
    Command("app.jump", "Jump", "Labels on everything; its letter goes there", "jump", "alt+j", "jump", "jump"),
    Command("app.settings", "Settings", "What holds, and where it comes from", "do('settings')", "f12", "settings",
            "settings"),
    Command("app.tour", "Tour", "The first steps", "tour", "", "", "tour"),
    Command("app.end_tour", "End the tour", "It does not come back by itself", "tour(False)", "alt+q", "end tour",
            "end-tour"),
    Command("session.left", "Pane before", "Go to the pane before", "pane(-1)", "alt+left", "pane before"),
    Command("session.right", "Pane after", "Go to the pane after", "pane(1)", "alt+right", "pane after"),
    Command("session.attend", "Who waits", "Go to the next session that needs you", "chat('attend')", "alt+p",
            "who waits", "who-waits"),
    Command("session.fork", "Fork", "Go on from here in a session of its own", "do('fork')", "", "", "fork"),
    Command("session.rename", "Rename session", "Give it another title", "chat('title')", "", "", "title"),
    Command("session.undelete", "Undelete session", "Take the newest deletion back", "chat('undelete')", "", "",
            "undelete"),
    Command("session.mode", "Permission mode", "What goes through without a question", "chat('mode')", "", "", "mode"),
    Command("chat.find_words", "Find", "Words in what was said", "chat('find')", "", "", "find"),
    Command("chat.retry", "Retry", "Say the last prompt again, here; MODEL: beside", "chat('retry')", "", "", "retry"),
    Command("chat.revise", "Revise", "Edit the last prompt and send it again", "chat('revise')", "", "", "revise"),
    Command("chat.continue", "Continue", "Go on after a reply that was cut", "chat('continue')", "", "", "continue"),
    Command("chat.compact", "Compact", "Send half of what was said; WORDS: what holds them stays", "chat('compact')",
            "", "", "compact"),
    Command("chat.waiting", "Waiting", "What is queued or steers; take it back", "chat('waiting')", "", "", "queue"),
    Command("chat.attach", "Attach", "Send a file or a picture along", "chat('attach')", "", "", "attach"),
    Command("chat.copy_reply", "Copy reply", "The last reply as it was written", "chat('reply')", "", "", "copy"),
    Command("chat.copy_code", "Copy code", "The last code block", "chat('code')", "", "", "copy-code"),
    Command("chat.copy_command", "Copy command", "The last command that ran", "chat('command')", "", "",
            "copy-command"),
    Command("chat.links", "Links", "Choose a link of the conversation to open", "chat('links')", "", "", "links"),
    Command("chat.export", "Export", "To Markdown, HTML or JSON", "chat('export')", "", "", "export"),
    Command("session.model", "Model", "Which model this session speaks to", "do('model')", "", "", "model"),
    Command("session.limits", "Limits", "What a turn may use: steps, tokens, cost, time", "chat('limits')", "", "",
            "limits"),
    Command("session.effort", "Effort", "How much the model thinks", "chat('effort')", "", "", "effort"),
    Command("session.pin", "Pin revision", "Keep to one revision of the config", "do('pin')", "", "", "pin"),
    Command("session.broadcast", "Broadcast", "Send each prompt to all panes, or no more", "do('broadcast')", "alt+g",
            "broadcast", "broadcast"),
    Command("session.compare", "Compare", "The last answers of all panes in one table", "chat('compare')", "alt+c",
            "compare", "compare"),
    Command("session.rerun", "Run again with…", "The last prompt to another model, in a new pane", "chat('rerun')", "",
            "", "rerun"),
    Command("session.rerun_edited", "Run again, edited", "The last prompt with the config as it is on the desk",
            "chat('rerun_edited')", "", "", "rerun-edited"),
    Command("session.console", "Console", "What happened in this session, and its request", "chat('console')", "alt+l",
            "console", "console"),
    Command("app.usage", "Usage", "What was used by day, config, model and session", "chat('usage')", "alt+u", "usage",
            "usage"),
    Command("app.workspaces", "Workspaces", "Keep the open panes under a name, or go back to some",
            "chat('workspaces')", "", "", "workspaces"),
    Command("app.theme", "Theme", "Another look", "do('theme')", "", "", "theme"),
    Command("app.quit", "Quit", "Running turns are stopped", "do('quit')", "ctrl+q", "quit", "quit"),
)  # fmt: skip

BY_SLASH: Mapping[str, Command] = {command.slash: command for command in COMMANDS if command.slash}
BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}
BY_ACTION: Mapping[str, Command] = {command.action: command for command in COMMANDS}

NEEDS: Mapping[str, str] = {
    "config": "Open a config first: F2 lists them.",
    "session": "Open a session first: ^n starts one.",
    "panes": "Open a second pane first: ^t splits.",
}
"""What has to be there for some commands, and what is said where it is not."""
#: What a group of commands needs, and the commands of it that need something else.
_OF_GROUP = {"chat": "session", "session": "session", "config": "config"}
_OF_COMMAND = {
    "session.new": "config", "session.split": "config", "session.undelete": "", "session.broadcast": "",
    "session.attend": "",
    "session.left": "panes", "session.right": "panes", "session.zoom": "",
    **dict.fromkeys(("config.new", "config.import", "config.search", "config.sort", "config.undelete",
                     "config.tab", "config.plan", "config.problems", "config.history"), ""),
}  # fmt: skip


def lacking(command: Command, there: Collection[str]) -> str:
    """Say what a command lacks, empty where nothing; `there` holds keys of `NEEDS`."""
    need = _OF_COMMAND.get(command.id, _OF_GROUP.get(command.id.partition(".")[0], ""))
    return NEEDS[need] if need and need not in there else ""


def bindings() -> list[BindingType]:
    """Return the keys of the commands; they win over those of text fields, which would take ctrl+w and the like."""
    found: list[BindingType] = [
        bind(one.id, one.key, one.action, one.label, one.help, show=one.show, priority=True)
        for one in COMMANDS
        if one.key
    ]
    found += [
        bind(f"session.pane_{n}", f"alt+{n}", f"pane_number({n})", f"pane {n}", f"Go to pane {n}", show=False,
             priority=True)
        for n in range(1, 5)
    ]  # fmt: skip
    found.append(
        bind("app.interrupt", "ctrl+c", "do('interrupt')", "interrupt", "Stop the turn, clear the prompt, then quit",
             show=False)
    )  # fmt: skip
    return found


def slash(text: str) -> Command | str:
    """Return the command that a line beginning with `/` names, else a line that says what is wrong with it."""
    word = text[1:].split()[0] if text[1:].split() else ""
    if word in BY_SLASH:
        return BY_SLASH[word]
    guess = nearest(word, BY_SLASH)
    return f"/{word} is no command: {f'did you mean /{guess}?' if guess else '^p lists all.'}"


def command_rows(there: Collection[str] = tuple(NEEDS), keys: Mapping[str, str] | None = None) -> Iterator[Row]:
    """Yield a row for each command, its key at the right; the id is `command` and the id of the command.

    What a command lacks of what is `there` stands in place of its help. `keys` holds the keys in use by id.
    """
    for one in COMMANDS:
        if one.id != "app.palette":
            why = lacking(one, there)
            key = (keys or {}).get(one.id, one.key)
            left = [(f"{one.title:<20} ", "muted" if why else "strong"), (why or one.help, "muted")]
            yield Row(f"command {one.id}", left, [(key_name(key) if key else f"/{one.slash}", "muted")])
