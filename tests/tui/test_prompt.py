"""The prompt sends on Enter, remembers, folds big pastes, and shows only what is inert."""

import pytest
from looks import HOSTILE, assert_inert, painted, rows, text, until
from textual import events
from textual.app import App, ComposeResult

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.offers import Offer, fitting
from agent_workbench.frontends.tui.widgets.prompt import PLACEHOLDER, PromptArea

BIG = "\n".join(f"line {number}" for number in range(40))


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.searches = 0
        self.wanted: list[str] = []

    def compose(self) -> ComposeResult:
        prompt = PromptArea()
        prompt.commands = [Offer("/new", "a new session"), Offer("/model", "another model"), Offer("/fork")]
        yield prompt.offers
        yield prompt

    def on_mount(self) -> None:
        self.prompt.focus()

    @property
    def prompt(self) -> PromptArea:
        return self.query_one(PromptArea)

    def on_prompt_area_submitted(self, event: PromptArea.Submitted) -> None:
        self.sent.append(event.text)

    def on_prompt_area_paths_requested(self, event: PromptArea.PathsRequested) -> None:
        self.wanted.append(event.start)
        event.prompt.offer_paths(
            event.start, ["src/scan.py", "src/parse.py", "README.md", "my notes/to do.md", HOSTILE]
        )

    def on_prompt_area_history_requested(self) -> None:
        self.searches += 1


@pytest.mark.parametrize("typed", ["@to", '@"my', '@"my no', "@notes/to"])
async def test_a_file_with_a_space_in_its_name_is_offered_and_taken_in_quotes(typed: str):
    async with (app := Host()).run_test() as pilot:
        await pilot.press(*("space" if letter == " " else letter for letter in typed))
        await until(pilot, lambda: app.prompt.offers.chosen == Offer('@"my notes/to do.md"'))
        await pilot.press("tab", "x")
        assert app.prompt.draft == '@"my notes/to do.md" x'
        assert not app.prompt.offers.open


async def test_enter_sends_and_empties_and_nothing_is_not_sent():
    async with (app := Host()).run_test() as pilot:
        assert PLACEHOLDER in text(app)
        await pilot.press("enter", "space", "enter")
        app.prompt.draft = "hello"
        await pilot.press("enter")
        assert app.sent == ["hello"]
        assert app.prompt.draft == ""


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_a_newline_has_keys_of_its_own(key: str):
    async with (app := Host()).run_test() as pilot:
        await pilot.press("a", key, "b", "enter")
        assert app.sent == ["a\nb"]


async def test_a_user_may_bind_other_keys():
    async with (app := Host()).run_test() as pilot:
        app.set_keymap({"prompt.send": "f9", "prompt.newline": "enter"})
        await pilot.press("a", "enter", "b", "f9")
        assert app.sent == ["a\nb"]


async def test_a_command_is_offered_while_it_is_typed_and_taken_with_tab():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("/")
        assert [word in text(app) for word in ("▸ /new", "a new session", "/model", "/fork")] == [True] * 4
        await pilot.press("m", "tab")
        assert app.prompt.text == "/model "
        assert not app.prompt.offers.display


async def test_the_arrows_walk_the_offers_and_enter_takes_what_they_chose():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("/", "down", "down", "enter")
        assert (app.prompt.text, app.sent) == ("/model ", [])
        await pilot.press("enter")
        assert app.sent == ["/model "]


async def test_enter_sends_what_was_typed_when_no_offer_was_chosen():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("/", "n", "enter")
        assert app.sent == ["/n"]


async def test_escape_takes_the_offers_away_until_the_word_changes():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("/", "escape")
        assert not app.prompt.offers.display
        await pilot.press("f")
        assert app.prompt.offers.display


async def test_paths_are_asked_for_after_an_at_sign_within_a_text():
    async with (app := Host()).run_test() as pilot:
        await pilot.press(*"see @s")
        assert app.wanted == ["", "s"]
        assert "▸ @src/scan.py" in text(app)
        assert_inert(app)
        await pilot.press("down", "down", "tab")
        assert app.prompt.text == "see @src/parse.py "


@pytest.mark.parametrize("typed", ["a/b", "x@y.org", "and /new"])
async def test_nothing_is_offered_within_a_word(typed: str):
    async with (app := Host()).run_test() as pilot:
        app.prompt.type_in(typed)
        await painted(pilot)
        assert not app.prompt.offers.display


def test_offers_that_begin_with_the_word_come_first():
    offers = [Offer("/rename"), Offer("/new"), Offer("/open")]
    assert [offer.text for offer in fitting(offers, "/ne")] == ["/new"]
    assert [offer.text for offer in fitting(offers, "/")] == ["/rename", "/new", "/open"]
    assert [offer.text for offer in fitting([Offer("@a/src"), Offer("@src")], "src")] == ["@a/src", "@src"]


async def test_it_grows_to_eight_lines():
    async with (app := Host()).run_test() as pilot:
        assert app.prompt.size.height == 1
        for count, height in ((3, 3), (8, 8), (9, 8)):
            app.prompt.draft = "\n".join("x" * count)
            await until(pilot, lambda height=height: app.prompt.size.height == height)


async def test_up_and_down_recall_what_was_sent_and_the_unsent_draft_comes_back():
    async with (app := Host()).run_test() as pilot:
        app.prompt.sent = ["first", "second\nline"]
        app.prompt.draft = "unsent"
        await pilot.press("up")
        assert app.prompt.draft == "second\nline"
        await pilot.press("up", "up")
        assert app.prompt.draft == "first"
        await pilot.press("up")
        assert app.prompt.draft == "first"
        await pilot.press("down", "down")
        assert app.prompt.draft == "unsent"


async def test_up_within_several_lines_moves_the_cursor_first():
    async with (app := Host()).run_test() as pilot:
        app.prompt.sent = ["before"]
        app.prompt.draft = "a\nb"
        await pilot.press("up")
        assert (app.prompt.draft, app.prompt.cursor_location[0]) == ("a\nb", 0)


async def test_a_text_sent_twice_is_remembered_once():
    async with (app := Host()).run_test() as pilot:
        for _ in range(2):
            app.prompt.draft = "same"
            await pilot.press("enter")
        assert app.prompt.sent == ("same",)


async def test_a_big_paste_is_a_chip_that_is_sent_whole():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("s", "e", "e", "space")
        app.prompt.post_message(events.Paste(BIG.replace("\n", "\r\n")))
        await until(pilot, lambda: rows(app)[0].strip() == "see [pasted 1: 40 lines]")
        app.prompt.post_message(events.Paste("x" * 2_000))
        await until(pilot, lambda: app.prompt.text.endswith("[pasted 2: 2000 characters]"))
        await pilot.press("enter")
        assert app.sent == ["see " + BIG + "x" * 2_000]


async def test_a_small_paste_is_typed_in_once():
    async with (app := Host()).run_test() as pilot:
        app.prompt.post_message(events.Paste("two\nlines"))
        await until(pilot, lambda: app.prompt.text == "two\nlines")
        assert app.prompt.cursor_location == (1, 5)


async def test_an_edited_chip_is_sent_as_it_reads():
    async with (app := Host()).run_test() as pilot:
        app.prompt.type_in(BIG)
        await pilot.press("backspace", "enter")
        assert app.sent == ["[pasted 1: 40 lines"]


async def test_a_paste_that_looks_like_a_chip_is_sent_as_it_is():
    async with (app := Host()).run_test() as pilot:
        app.prompt.type_in(BIG + "\n[pasted 2: 2000 characters]")
        app.prompt.type_in("x" * 2_000)
        await pilot.press("enter")
        assert app.sent == [BIG + "\n[pasted 2: 2000 characters]" + "x" * 2_000]


async def test_a_paste_replaces_the_selection():
    async with (app := Host()).run_test() as pilot:
        app.prompt.draft = "old"
        app.prompt.select_all()
        app.prompt.post_message(events.Paste("new"))
        await until(pilot, lambda: app.prompt.text == "new")


async def test_keys_of_the_workbench_are_left_to_it():
    keys = {key for binding in PromptArea.BINDINGS for key in binding.key.split(",")}  # type: ignore[union-attr]
    assert not keys & {"ctrl+w", "ctrl+f", "ctrl+y", "ctrl+t", "ctrl+p", "ctrl+o", "ctrl+q"}
    async with (app := Host()).run_test() as pilot:
        await pilot.press("ctrl+r")
        assert app.searches == 1


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 6)])
async def test_hostile_text_is_only_shown(size: tuple[int, int]):
    async with (app := Host()).run_test(size=size) as pilot:
        app.prompt.draft = HOSTILE
        app.prompt.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        assert_inert(app)
        assert app.prompt.draft == clean(HOSTILE.replace("\r", "\n")) * 2
