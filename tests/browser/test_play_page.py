"""The playground in a real browser: every control, the way back bit for bit, links, keys, looks."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from page_checks import faults
from page_watching import LIGHT_AND_WIDE, Look
from playwright.sync_api import expect

from misstep.modeling import Options
from misstep.playground import Session, Settings, own_problem, presets
from misstep.web.play.beginning import Beginning
from misstep.web.play.page import play_page
from misstep.web.serving import Server

# Settings that compile quickly and learn in a few updates.
SMALL = Settings(layers=(4, 3), rows=30, batch_size=10)


@pytest.fixture(scope="module")
def server():
    with Server(play_page(Beginning(link=Session(SMALL).link()))) as served:
        yield served


@pytest.fixture
def play(server, open_page):
    """Give a function that opens the playground and waits until it stands there."""

    def open_it(look: Look = LIGHT_AND_WIDE, link: str = "", **context):
        page = open_page(server.access.address + (f"&{link}" if link else ""), look, **context)
        settled(page)
        return page

    return open_it


def until(page, expression: str) -> None:
    """Wait until JavaScript says so; playwright's own way is not allowed by the page's policy."""
    for _ in range(600):
        if page.evaluate(f"Boolean({expression})"):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"it never came to {expression}")


def settled(page) -> None:
    """Wait until nothing moves and all that is shown is of one moment."""
    until(page, "playground.frame && !playground.playing && playground.quiet")


def update(page) -> int:
    return page.evaluate("playground.frame.update")


def weights(page) -> list[str]:
    """Return the bits of all parameters."""
    return page.evaluate("playground.frame.weights.map((one) => one.values.base64)")


def setting(page, name: str):
    return page.evaluate(f"playground.state.settings.{name}")


def test_it_is_sound_in_every_look(play, look):
    # Adam's rule is the longest formula.
    page = play(
        look, Session(SMALL.changed({"optimizer": "adam", "l2": 0.1, "clipping": 0.1})).link()
    )
    page.locator(".unit.of-hidden").last.click()
    settled(page)
    page.locator("#why button.link").first.click()
    settled(page)
    for summary in page.locator("#why summary").all():
        summary.click()
    for _ in range(2):
        page.locator("#step").click()
    settled(page)
    assert update(page) == 2
    assert faults(page) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 31)"
    assert dark == (look.theme == "dark")


def test_back_is_exact(play):
    page = play()
    seen = [weights(page)]
    for _ in range(3):
        page.locator("#step").click()
        settled(page)
        seen.append(weights(page))
    assert all(one != other for one, other in pairwise(seen))
    for number in (2, 1, 0):
        page.locator("#back").click()
        settled(page)
        assert update(page) == number
        assert weights(page) == seen[number]
    expect(page.locator("#back")).to_be_disabled()
    page.locator("#slider").evaluate(
        "(one) => { one.value = 3; one.dispatchEvent(new Event('input')); }"
    )
    settled(page)
    assert weights(page) == seen[3]
    page.locator("#reset").click()
    settled(page)
    assert weights(page) == seen[0]


def test_it_plays_at_every_speed_and_pauses(play):
    page = play()
    for speed in range(5):
        page.locator("#speed").select_option(str(speed))
        before = update(page)
        page.locator("#play").click()
        until(page, f"playground.frame.update > {before}")
        expect(page.locator("#play")).to_have_accessible_name("Pause")
        page.locator("#play").click()
        settled(page)
        expect(page.locator("#play")).to_have_accessible_name("Play")
    stands = update(page)
    page.wait_for_timeout(100)
    assert update(page) == stands


def test_a_link_holds_the_whole_state(play, server):
    page = play()
    page.locator("#setting-activation").select_option("relu")
    settled(page)
    for _ in range(3):
        page.locator("#step").click()
    settled(page)
    page.locator('button[aria-label="More: Learning rate"]').click()
    settled(page)
    page.locator("#step").click()
    settled(page)
    page.locator(".unit.of-hidden").nth(2).click()
    settled(page)
    address = page.evaluate("location.href")
    assert "token" not in address
    # Another page of the same browser, which has the token already.
    other = page.context.new_page()
    other.goto(address)
    settled(other)
    assert update(other) == 4
    assert weights(other) == weights(page)
    assert setting(other, "learning_rate") == 0.3
    assert other.locator("#why").inner_text() == page.locator("#why").inner_text()
    other.close()
    # Copied, where that is allowed.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == address
    # And back in the address bar of the very page, where another one stands by now.
    page.locator("#reset").click()
    settled(page)
    page.evaluate(f"location.hash = {address.partition('#')[2]!r}")
    until(page, "playground.frame.update === 4")
    settled(page)
    # So is the printed address, with its token.
    page.evaluate("location.hash = 'token=' + localStorage.getItem('misstep-token')")
    until(page, "playground.frame.update === 0")
    settled(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert "token" not in page.url


def test_a_link_that_is_none_is_told_and_the_page_stands(play):
    page = play(link="v=1&p=nowhere")
    expect(page.get_by_role("alert")).to_contain_text("nowhere")
    page.get_by_role("alert").get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert update(page) == 0


def test_every_setting_can_be_changed(play):
    page = play(link=Session(Settings(layers=(2,), rows=20)).link())
    for summary in page.locator("#controls summary").all():
        summary.click()
    described = Settings.described()
    assert {one["name"] for one in described} == {
        one.get_attribute("id").removeprefix("setting-")
        for one in page.locator("[id^=setting-]").all()
    }
    for one in described:
        name = one["name"]
        control, before = page.locator(f"#setting-{name}"), setting(page, name)
        if name == "problem":
            control.select_option("moons")
        elif name == "layers":
            page.get_by_role("button", name="A hidden layer fewer").click()
        elif one["type"] == "bool":
            control.check()
        elif one.get("choices"):
            control.select_option(next(each for each in one["choices"] if each != before))
        else:
            box = page.locator(".control", has=control)
            box.get_by_role("button", name=re.compile("^More:")).click()
        now = f"JSON.stringify(playground.state.settings.{name})"
        until(page, f"{now} !== {json.dumps(json.dumps(before, separators=(',', ':')))}")
        settled(page)
        if name == "optimizer":
            # Momentum is sgd's alone.
            control.select_option("sgd")
            settled(page)
    control = page.locator("#setting-learning_rate")
    control.fill("0.025")
    control.press("Enter")
    settled(page)
    assert setting(page, "learning_rate") == 0.025
    control.fill("fast")
    control.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("learning_rate")
    assert setting(page, "learning_rate") == 0.025


def test_layers_and_units_grow_and_shrink(play):
    page = play()
    page.get_by_role("button", name="A unit more in layer 2").click()
    settled(page)
    assert setting(page, "layers") == [4, 4]
    page.get_by_role("button", name="A unit fewer in layer 1").click()
    settled(page)
    assert setting(page, "layers") == [3, 4]
    page.get_by_role("button", name="A hidden layer more").click()
    settled(page)
    assert setting(page, "layers") == [3, 4, 4]
    assert page.locator(".unit.of-hidden").count() == 11


def test_a_weight_tells_its_own_numbers(play):
    page = play()
    page.locator("#step").click()
    settled(page)
    # In the middle of the line from the first input to the first unit.
    ends = page.evaluate(
        """() => {
          const middle = (one) => one.getBoundingClientRect();
          const [from, to] = [middle(document.querySelector('.unit.of-input')),
            middle(document.querySelector('.unit.of-hidden'))];
          return [from.right, from.top + from.height / 2, to.left, to.top + to.height / 2];
        }"""
    )
    x1, y1, x2, y2 = ends
    page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2)
    expect(page.locator("#weight-tip")).to_contain_text("weight from input x1 to layer 1, unit 0")
    page.mouse.click((x1 + x2) / 2, (y1 + y2) / 2)
    settled(page)
    assert page.evaluate("playground.state.choice.text") == "dense1.weight.0.0"
    told = page.evaluate("playground.explanation")
    value = page.evaluate(
        "new Float32Array(Uint8Array.from(atob(playground.frame.weights[0].values.base64),"
        " (one) => one.charCodeAt(0)).buffer)[0]"
    )
    assert told["change"]["old"] == value
    page.locator("#step").click()
    settled(page)
    after = page.evaluate(
        "new Float32Array(Uint8Array.from(atob(playground.frame.weights[0].values.base64),"
        " (one) => one.charCodeAt(0)).buffer)[0]"
    )
    # What the page said that the update would do is what it did.
    assert after == told["change"]["new"]
    expect(page.locator("#why .chain .total")).to_be_visible()


def test_keys_alone_are_enough(play):
    page = play()
    page.keyboard.press(".")
    until(page, "playground.frame.update === 1")
    page.keyboard.press(".")
    until(page, "playground.frame.update === 2")
    page.keyboard.press(",")
    until(page, "playground.frame.update === 1")
    page.keyboard.press("Home")
    until(page, "playground.frame.update === 0")
    page.keyboard.press("Space")
    until(page, "playground.frame.update > 3")
    page.keyboard.press("Space")
    settled(page)
    page.locator('.unit[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.locator(":focus")
    expect(focused).to_have_accessible_name(re.compile("^layer 1, unit"))
    outline = focused.evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    settled(page)
    assert page.evaluate("playground.state.choice.of") == "unit"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(":focus")).to_have_accessible_name(re.compile("^output"))


def test_what_is_seen_is_said(play):
    page = play()
    expect(page.locator("#findings")).to_contain_text("Nothing yet")
    page.locator("#step").click()
    settled(page)
    said = page.locator("#status").inner_text()
    assert "Update 1." in said
    assert "held-out rows" in said
    label = page.locator("#surface canvas").get_attribute("aria-label")
    assert "at update 1" in label
    assert "orange: circles, blue: squares" in label


def test_a_click_on_the_surface_chooses_the_row(play):
    page = play()
    box = page.locator("#surface canvas").bounding_box()
    before = page.evaluate("playground.state.row.name")
    for share in (0.2, 0.5, 0.8):
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.45)
        settled(page)
    assert page.evaluate("playground.state.row.name") != before


@pytest.mark.parametrize(
    "changed",
    [
        {"problem": "sine", "layers": (4,)},
        {"problem": "digits", "rows": 60, "layers": (4,)},
        {"layers": (24, 24), "rows": 30},
        {"layers": (), "rows": 30},
    ],
    ids=str,
)
def test_every_kind_of_problem_is_sound(play, changed):
    page = play(Look("dark", 390), link=Session(Settings.of(changed)).link())
    page.locator("#step").click()
    settled(page)
    assert faults(page) == []
    if changed.get("problem") == "digits":
        page.locator("#surface .examples button").nth(3).click()
        settled(page)
        assert page.evaluate("playground.state.row.number") > 0


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_gradients_flow_where_motion_is_welcome(play, motion):
    page = play(reduced_motion=motion)
    page.locator("#step").click()
    until(page, "playground.frame.update === 1")
    page.wait_for_timeout(150)
    painted = page.evaluate(
        """() => {
          const { width, height } = document.querySelector('canvas.flow');
          if (!width || !height) return false;
          const context = document.querySelector('canvas.flow').getContext('2d');
          return context.getImageData(0, 0, width, height).data.some((one) => one > 0);
        }"""
    )
    assert painted == (motion != "reduce")
    settled(page)


def test_colors_are_chosen_and_kept(play):
    page = play()
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    settled(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_page_that_was_left_alone_begins_again_where_it_stood(play, monkeypatch):
    monkeypatch.setattr("misstep.web.play.sessions.MOST_SESSIONS", 1)
    page = play()
    for _ in range(2):
        page.locator("#step").click()
    settled(page)
    before = weights(page)
    play()
    page.locator(".unit.of-hidden").first.click()
    settled(page)
    assert weights(page) == before


def test_what_is_broken_is_found_and_a_remedy_adopted(play):
    broken = Settings(problem="blobs", rows=60, layers=(4,), initialization="zeros")
    page = play(link=Session(broken).link())
    expect(page.locator("#findings")).to_contain_text("warning")
    page.locator("#speed").select_option("4")
    page.locator("#play").click()
    until(page, "playground.frame.update >= 200")
    page.locator("#play").click()
    settled(page)
    stands, before = update(page), weights(page)
    told = page.locator("#findings .card").first
    expect(told).to_contain_text("critical")
    expect(page.locator("#verdict")).to_be_visible()
    page.locator("#verdict").click()
    page.get_by_role("button", name="Try remedies").click()
    attempts = page.locator(".attempt")
    expect(attempts.nth(1)).to_be_visible()
    page.get_by_role("button", name="Stop trying").click()
    expect(page.get_by_role("button", name="Try again from here")).to_be_visible()
    settled(page)
    expect(attempts.first).to_contain_text("the control")
    # The ones that help come first, and nothing has moved.
    helping = attempts.nth(1)
    expect(helping).to_contain_text("helps")
    assert (update(page), weights(page)) == (stands, before)
    assert faults(page) == []
    helping.get_by_role("button").click()
    settled(page)
    expect(page.locator("#attempts")).to_contain_text("Adopted")
    assert setting(page, "initialization") != "zeros"
    expect(page.locator("#play")).to_be_focused()


def test_own_rows_are_played_with(open_page, tmp_path):
    table = tmp_path / "fruit.csv"
    lines = [f"{n % 7},{n % 5},{n % 3},{'pear' if n % 7 > n % 5 else 'plum'}" for n in range(60)]
    head = "weight of it,length,spots,kind\n"
    table.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    own = own_problem(table, Options(target="kind"))
    with Server(play_page(Beginning(own))) as served:
        page = open_page(served.access.address, Look("light", 390))
        settled(page)
        expect(page.locator("#setting-problem")).to_have_value("own")
        expect(page.locator("#setting-noise")).to_be_hidden()
        expect(page.locator(".unit.of-input").first).to_contain_text("weight of it")
        page.locator("#step").click()
        settled(page)
        page.locator("#surface .examples button").nth(1).click()
        settled(page)
        name = page.evaluate("playground.frame.examples[1].name")
        assert page.evaluate("playground.state.row.name") == name
        expect(page.locator("#surface .examples button").nth(1)).to_contain_text(name)
        assert faults(page) == []


def test_presets_are_offered(play):
    page = play()
    titles = page.locator(".presets button").all_inner_texts()
    assert sorted(titles) == sorted(one.title for one in presets())
    page.get_by_role("button", name="exclusive or, four units").click()
    until(page, "playground.frame.update > 20")
    page.locator("#play").click()
    settled(page)
    assert setting(page, "problem") == "xor"


def test_without_the_token_nothing_is_shown_but_the_reason(server, open_page, complaints):
    complaints.forgive("403")
    page = open_page(server.access.origin)
    expect(page.get_by_role("alert")).to_contain_text("the token of the address")
    assert page.locator(".unit").count() == 0


def test_a_server_that_has_ended_is_told(open_page, complaints):
    complaints.forgive("ERR_CONNECTION_REFUSED")
    with Server(play_page(Beginning(link=Session(SMALL).link()))) as served:
        page = open_page(served.access.address)
        settled(page)
    page.locator("#step").click()
    expect(page.get_by_role("alert")).to_contain_text("misstep play")


def test_without_javascript_it_says_so(server, open_page):
    page = open_page(server.access.address, java_script_enabled=False)
    assert "draws with JavaScript" in page.content()


def test_the_way_past_the_heading_leaves_all_as_it_is(play):
    page = play(link="v=1&r=20&l=2&u=3")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#network")).to_be_focused()
    page.keyboard.press(".")
    until(page, "playground.frame.update === 4")
    settled(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert "u=4" in page.url


def test_rows_are_chosen_by_keyboard(play):
    page = play(link="v=1&r=20&l=2&u=3")
    page.locator("#surface canvas").focus()
    for key, number in (("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        until(page, f"playground.frame.row.number === {number}")
        settled(page)
    page.keyboard.press("ArrowLeft")
    until(page, "playground.frame.row.number === 9")
    settled(page)
    assert "held-out row 10" in page.locator("#surface canvas").get_attribute("aria-label")
    assert faults(page) == []
