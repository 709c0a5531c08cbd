"""The worst mistakes in the report: what was said, what was right, the row as people know it."""

from __future__ import annotations

import base64
import io
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image
from trained_for_judgment import pair, trained

from misstep.data import Images, read_table
from misstep.data.text.text_parts import pieces_of
from misstep.modeling import Options, mistakes_of, train, worst_forecasts
from misstep.modeling.judgment.parts_of_rows import TextEffects
from misstep.report.material import Material
from misstep.report.pictures import png_of
from misstep.report.row_pictures import marked_words
from misstep.report.sections.mistakes import WorstMistakes
from misstep.text.figures import percent


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


@pytest.mark.parametrize("kind", ["passengers", "houses", "messages", "pictures", "recordings"])
def test_every_mistake_has_a_card_with_what_was_said_and_right(kind: str) -> None:
    model, held_out = pair(kind)
    material = Material.of_result(trained(kind), name=kind)
    content = WorstMistakes().content(material)
    assert content is not None
    assert content.html == WorstMistakes().content(material).html  # type: ignore[union-attr]
    mistakes = mistakes_of(model, held_out)
    cards = content.html.split("<article")[1:]
    assert len(cards) == len(mistakes.worst)
    for card, one in zip(cards, mistakes.worst, strict=True):
        words = words_of(card)
        assert one.name in words
        assert percent(one.share) in words
        if one.off is None:
            assert f"It said {one.predicted}" in words
            for label, share in one.probabilities.items():
                assert f">{label}" in card
                assert percent(share) in card
        else:
            assert ("too high" if one.off > 0 else "too low") in words
    if mistakes.wrong:
        assert f", {mistakes.wrong:,} " in words_of(content.html)


def test_a_picture_of_a_page_is_the_image_itself() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12))
    back = np.asarray(Image.open(io.BytesIO(png_of(pixels / 255))))
    assert np.array_equal(back, pixels)
    small = Image.open(io.BytesIO(png_of(np.zeros((300, 200, 3)))))
    assert small.size == (64, 96)
    strange = Image.open(io.BytesIO(png_of(np.full((4, 4, 5), np.nan))))
    assert strange.size == (4, 4)


def test_the_mistaken_pictures_are_those_of_their_rows() -> None:
    model, held_out = pair("pictures")
    content = WorstMistakes().content(Material.of_result(trained("pictures"), name="x"))
    assert content is not None
    shown = re.findall(r"data:image/png;base64,([^\"]+)", content.html)
    for number, one in enumerate(mistakes_of(model, held_out).worst):
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[number]))))
        row = held_out.data.take(np.array([one.position]))
        assert isinstance(row, Images)
        # Once as it is, and once below what its places did.
        assert np.array_equal(image, np.concatenate([row.train_images[0]] * 2, axis=1))


def test_words_are_marked_by_sign_and_strength_and_never_as_markup() -> None:
    pieces = pieces_of("Win <b>free</b> now")
    effects = {"win": 0.4, "free": -0.2, "now": 0.01}
    text = TextEffects("t", pieces, tuple(effects.get(word, float("nan")) for word in pieces.words))
    html = marked_words(text).html
    assert '<span class="word for strength-3">Win<sup>+</sup></span>' in html
    assert '<span class="word against strength-2">free<sup>−</sup></span>' in html
    assert "<b>" not in html
    assert "now<sup>" not in html
    assert words_of(html).replace(" ", "") == "Win+<b>free−</b>now"


def test_no_number_is_said_so_that_it_seems_to_be_none() -> None:
    data = np.random.default_rng(0).normal(size=(60, 2))
    table = {"a": data[:, 0], "b": data[:, 1], "dose": 1e-6 * (data[:, 0] + 3)}
    options = Options(target="dose", network="dense4-relu", epochs=1, threads=1)
    content = WorstMistakes().content(Material.of_result(train(read_table(table), options)))
    verdicts = re.findall(r"It said .*?\.</p>", str(content))
    assert len(verdicts) == 6
    for verdict in verdicts:
        assert re.search(r": [\d.]+×10⁻[\d⁷⁶]+ too (high|low)", words_of(verdict)), verdict
        assert not re.search(r"\de[-−+]\d", verdict)


def test_of_several_classes_the_largest_losses_are_not_said_to_be_the_surest() -> None:
    model, held_out = pair("pictures")
    mistakes = mistakes_of(model, held_out)
    content = words_of(str(WorstMistakes().content(Material.of_result(trained("pictures")))))
    assert "surest" not in content
    count = len(mistakes.worst)
    if not mistakes.wrong:
        assert "of the largest loss" in content
    else:
        assert (
            "all of them" if mistakes.wrong == count else f"the {count} of the largest"
        ) in content


def test_forecasts_that_were_farthest_off_are_drawn(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "walk.csv"
    walk = np.random.default_rng(0).normal(size=200).cumsum() + 100
    path.write_text("value\n" + "\n".join(f"{one:.4f}" for one in walk) + "\n")
    result = train(path, Options(target="value", task="forecast", horizon=3, epochs=1, threads=1))  # type: ignore[arg-type]
    content = WorstMistakes().content(Material.of_result(result, name="walk"))
    assert content is not None
    assert result.forecast is not None
    assert result.forecast.back_test is not None
    worst = worst_forecasts(result.forecast.series, result.forecast.back_test)
    titles = re.findall(r"The forecast after row ([\d,]+)", content.html)
    assert titles == [f"{one.origin + 1:,}" for one in worst]
