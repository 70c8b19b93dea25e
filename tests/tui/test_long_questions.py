"""A question that is longer than its place says so: what is not seen must not look like the end."""

import pytest
from looks import settled, text
from test_question import Host, question


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize(
    "command",
    ["ls" + "\n" * 300 + "rm -rf ~", "ls" + " " * 9_000 + "; rm -rf ~", "; ".join(f"echo {n}" for n in range(2_000))],
    ids=["line breaks", "blanks", "a chain"],
)
async def test_a_command_that_goes_on_below_says_how_much_until_its_end_is_shown(command: str, size: tuple[int, int]):
    async with (app := Host(question(preview=command))).run_test(size=size) as pilot:
        app.card.fit(size[1])
        await settled(pilot)
        assert "more lines" in text(app)
        for _ in range(200):
            await pilot.press("pagedown")
        await settled(pilot)
        assert "more line" not in text(app)
        assert "every shell command asks" in text(app)


async def test_a_command_that_fits_says_nothing_of_more():
    async with (app := Host(question())).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "more line" not in text(app)


async def test_what_acts_unseen_is_shown_in_a_question():
    preview = "echo \u202e\u200b\x1b[8m ; rm -rf x # [red]"
    async with (app := Host(question(preview=preview, paths=("/w/\u202ex",)))).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for words in ("‹U+202E›", "‹U+200B›", "␛[8m", "rm -rf x # [red]", "/w/‹U+202E›x"):
            assert words in text(app)
