"""Every dialog: its keys, the way in and out of it, its size, its help, and a click beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent_workbench.configs.plan import Document, Origin
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.jump import LETTERS, Jump
from agent_workbench.frontends.tui.screens.compare import Compare
from agent_workbench.frontends.tui.screens.confirm_change import ConfirmChange
from agent_workbench.frontends.tui.screens.pick import Pick, options
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.screens.source import SourceView
from agent_workbench.frontends.tui.screens.trust import TrustTexts
from agent_workbench.frontends.tui.widgets.change_view import ChangeView
from agent_workbench.frontends.tui.widgets.form import Choice
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.services.comparing import Answered
from agent_workbench.services.restraint import Held
from agent_workbench.services.trust import Doubt

sys.path.insert(0, str(Path(__file__).parent))

from seen import Case, Place, Step, becomes, ceases, changes, dialog, grows, keys, shown, shrinks, try_out
from workbench import Bench, workbench

LINES = "\n".join(f"line {n}: x" for n in range(80))
ANSWERS = [
    Answered("1", "a", "model-x", 7, "why?", "Because.", Usage(3100, 412), 6.1),
    Answered("2", "b", "model-y", 8, "why?", "Because of tabs.", Usage(2900, 380), 4.4),
]


def cursor(bench: Bench) -> int:
    return bench.app.screen.query_one(RowList).cursor


def top(bench: Bench) -> float:
    return bench.app.screen.query_one(SheetView).scroll_y


def change(bench: Bench) -> float:
    return bench.app.screen.query_one(ChangeView).scroll_y


def open_(bench: Bench) -> bool:
    return bench.app.screen is not bench.main


closed = ceases(open_)


async def in_text(bench: Bench) -> None:
    await bench.press("f7")
    await bench.until(lambda: bench.editor.has_focus, "the text has the focus")


def by(*press: str, title: str = "") -> Step:
    """Return what opens a dialog by keys, from the text."""

    async def there(bench: Bench) -> None:
        await in_text(bench)
        await bench.press(*press)
        await bench.until(lambda: open_(bench) and title in bench.dialog, f"{press} opens {title}")

    return there


def command(action: str, title: str) -> Step:
    """Return what opens a dialog by the action of a command, from the text."""

    async def there(bench: Bench) -> None:
        await in_text(bench)
        await bench.main.run_action(action)
        await bench.until(lambda: title in bench.dialog, f"{action} opens {title}")

    return there


def made(make: object) -> Step:
    """Return what shows a screen that is opened from within others, over the text."""

    async def there(bench: Bench) -> None:
        await in_text(bench)
        screen = make()  # type: ignore[operator]
        bench.app.push_screen(screen)
        await bench.until(lambda: bench.app.screen is screen and bench.dialog, "it is open")

    return there


rename = command("config('rename')", "Rename")
page = made(lambda: Sheet("A page", lambda width: [[(line, "")] for line in LINES.split("\n")]))
confirm = made(lambda: ConfirmChange("A change", "", LINES, options(("yes", "Take it"), ("no", "Leave it"))))
source = made(lambda: SourceView("include.yaml", LINES, 40))
compare = made(lambda: Compare(ANSWERS))
theirs = Document("0" * 64, "theirs.yaml", "/theirs.yaml")
programs = tuple(Held("program", f"run the program `p{n}`", "hooks", Origin("theirs.yaml", n)) for n in range(80))
trust = made(lambda: TrustTexts("mine", [Doubt(theirs, programs)]))
few = made(lambda: Pick("A few", options(("a", "one"), ("b", "two"), ("c", "three"))))
theme = command("do('theme')", "Theme")
jump = by("alt+j")


async def written(bench: Bench) -> None:
    await bench.press("end", "x")


async def at_choice(bench: Bench) -> None:
    """Go to the first value that is chosen of a few, in the settings of a tool."""
    await bench.type("bash")
    await bench.until(lambda: bench.app.screen.query(Choice), "the form")
    bench.app.screen.query(Choice).first().focus()
    await bench.pilot.pause()


async def at_second(bench: Bench) -> None:
    await at_choice(bench)
    await bench.press("right")


def motion(bench: Bench) -> str:
    return bench.app.animation_level


async def at_motion(bench: Bench) -> None:
    await bench.press("down")


async def still(bench: Bench) -> None:
    """Go to the setting for motion, with nothing moving."""
    await at_motion(bench)
    if motion(bench) == "full":
        await bench.press("space")
    await bench.until(lambda: motion(bench) == "none", "nothing moves")


def value(bench: Bench) -> str:
    found = bench.app.screen.query(Choice)
    return found.first().value if found else ""


DIALOGS: Mapping[str, Place] = {
    "AddEntry": Place(
        by("alt+a", "enter", title="Add a"),
        {
            "down": Case(grows(cursor)),
            "up": Case(shrinks(cursor), keys("down")),
            "enter": Case(becomes(lambda bench: bench.editor.dirty), lambda bench: bench.type("tool-bash")),
            "escape": Case(closed),
        },
    ),
    "Choice": Place(
        by("alt+a", "enter", title="Add a"),
        {
            "right": Case(changes(value), at_choice),
            "space": Case(changes(value), at_choice),
            "left": Case(changes(value), at_second),
            "backspace": Case(changes(value), at_second),
        },
    ),
    "Compare": Place(
        compare,
        {
            "right": Case(shown("▸ 2")),
            "tab": Case(shown("▸ 2")),
            "left": Case(shown("▸ 2")),
            "shift+tab": Case(shown("▸ 2")),
            "enter": Case(becomes(lambda bench: "1 model-x" in bench.dialog)),
            "d": Case(becomes(lambda bench: "1 model-x → 2 model-y" in bench.dialog)),
            "k": Case(closed),
            "escape": Case(closed),
        },
    ),
    "ConfirmChange": Place(
        confirm,
        {
            "pagedown": Case(grows(change)),
            "pageup": Case(shrinks(change), keys("pagedown")),
            "enter": Case(closed),
            "escape": Case(closed),
        },
    ),
    "Console": Place(
        by("alt+l", title="Console"),
        {
            "down": Case(grows(cursor)),
            "up": Case(shrinks(cursor), keys("down")),
            "enter": Case(ceases(lambda bench: "Console" in bench.dialog)),
            "ctrl+r": Case(dialog("The next request")),
            "escape": Case(closed),
        },
    ),
    "Help": Place(
        by("f1", title="Help"),
        {"escape": Case(closed), "f1": Case(closed), "q": Case(closed), "enter": Case(closed)},
    ),
    "Name": Place(
        rename,
        {
            "enter": Case(becomes(lambda bench: "hellox" in str(bench.desk.border_title)), written),
            "escape": Case(closed),
        },
    ),
    "Pick": Place(
        few,
        {
            "down": Case(grows(cursor)),
            "up": Case(shrinks(cursor), keys("down")),
            "enter": Case(closed),
            "escape": Case(closed),
        },
    ),
    "ThemePicker": Place(
        theme,
        {
            "down": Case(changes(lambda bench: bench.app.theme)),
            "escape": Case(becomes(lambda bench: bench.app.theme == "ink"), keys("down")),
            "enter": Case(closed),
        },
    ),
    "Settings": Place(
        by("f12", title="Settings"),
        {
            "space": Case(changes(motion), at_motion),
            "enter": Case(changes(motion), at_motion),
            "r": Case(becomes(lambda bench: motion(bench) == "full"), still),
            "delete": Case(becomes(lambda bench: motion(bench) == "full"), still),
            "escape": Case(closed),
            "q": Case(closed),
            "f12": Case(closed),
        },
    ),
    "Sheet": Place(page, {"escape": Case(closed), "q": Case(closed), "enter": Case(closed)}),
    "SheetView": Place(
        page,
        {key: Case(grows(top)) for key in ("down", "j", "pagedown", "space", "end", "G")}
        | {key: Case(shrinks(top), keys("end")) for key in ("up", "k", "pageup", "b", "home", "g")},
    ),
    "TrustTexts": Place(
        trust,
        {
            "pagedown": Case(grows(top)),
            "pageup": Case(shrinks(top), keys("pagedown")),
            "enter": Case(closed),
            "escape": Case(closed),
        },
    ),
    "SourceView": Place(source, {"escape": Case(closed), "q": Case(closed)}),
    "Jump": Place(
        jump,
        {
            LETTERS[0]: Case(becomes(lambda bench: bench.main.focused is not None and not bench.editor.has_focus)),
            "escape": Case(becomes(lambda bench: bench.editor.has_focus and not open_(bench))),
        },
    ),
}
WITHOUT_HELP = ("Choice", "SheetView", "Jump", "Help")
"""Parts of dialogs, letters that any key takes away, and the help itself."""
BOXES = [name for name in DIALOGS if name not in WITHOUT_HELP]


async def test_every_key_of_a_dialog(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.say("hi")
        await bench.until(lambda: not bench.panes[0].busy and "mock" in bench.shown, "something happened")
        for name, place in DIALOGS.items():
            await try_out(bench, name, place)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_a_dialog_fits_says_its_keys_and_gives_the_focus_back(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        await bench.session()
        for name in BOXES:
            await bench.home()
            await DIALOGS[name].there(bench)
            if name == "AddEntry":  # a tool with many settings, and what it changes
                await bench.type("bash")
                await bench.until(lambda: bench.app.screen.query("FieldRow") and "+" in bench.shown, "the change")
            dialog = bench.app.screen
            box = dialog.query_one("#box").region
            assert bench.app.screen.region.contains_region(box), f"{name} does not fit"
            for one in dialog.query("#box > *"):
                assert box.contains_region(one.region), f"{name}: {one} is cut"
            await bench.until(lambda name=name, dialog=dialog: dialog.focused or name == "Compare", "the focus")
            at = dialog.focused
            await bench.pilot.click(offset=(0, size[1] - 1))
            assert bench.app.screen is dialog, f"a click beside {name} changes nothing"
            assert dialog.focused is at
            await bench.press("f1")
            await bench.until(lambda: bench.dialog == "Help", f"F1 in {name}")
            assert "esc" in bench.shown
            await bench.press("escape")
            await bench.until(lambda dialog=dialog: bench.app.screen is dialog, "back in the dialog")
            await bench.press("alt+j")
            await bench.until(lambda: isinstance(bench.app.screen, Jump), f"letters over {name}")
            await bench.press("escape")
            await bench.until(lambda dialog=dialog: bench.app.screen is dialog, "back in the dialog")
            await bench.press("escape")
            await bench.until(lambda: not open_(bench), f"escape closes {name}")
            await bench.until(lambda: bench.editor.has_focus, f"the text has the focus again after {name}")


def test_the_letters_of_a_jump_need_no_help():
    assert not any("f1" in binding.key for binding in Jump.BINDINGS if hasattr(binding, "key"))
