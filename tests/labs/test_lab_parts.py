"""The parts of labs: the contract, the bench, chains and signals, exhibits as letters."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from misstep.errors import ArgumentError
from misstep.labs import (
    Bar,
    Bars,
    Bench,
    Chapter,
    Claim,
    Computed,
    Curve,
    Curves,
    Flow,
    Lab,
    Picture,
    Pictures,
    Section,
    Table,
    exhibit_lines,
    find_lab,
    registered_labs,
)
from misstep.labs.animals import CAT, DOG, SIDE, animals
from misstep.labs.chains import chain
from misstep.labs.page import drawn, drawn_bars, drawn_curves
from misstep.labs.passage import signals
from misstep.nn import Dense, Network, Sequential, Tanh
from misstep.nn.initializers import Constant
from misstep.nn.losses import SquaredError
from misstep.train import Callback
from misstep.train.training import Training

ROOT = Path(__file__).resolve().parents[2]


# The contract


def test_a_lab_is_one_by_being_written() -> None:
    @dataclass(frozen=True)
    class Measured:
        numbers: tuple[float, ...]

    class Short(Lab[Measured]):
        slug, title, question, summary = "short", "Short", "Why?", "nothing"
        chapter, place = Chapter.NEW_ROWS, 0
        measured = Measured

        def measure(self, bench: Bench) -> Measured:
            return Measured((1.0, math.inf))

        def sections(self, measured: Measured) -> Iterator[Section]:
            yield Section("One", ("words",))

        def claims(self, measured: Measured) -> Iterator[Claim]:
            yield Claim("It is 1.", measured.numbers[0] == 1.0)

    try:
        lab = find_lab("short")
        plain = lab.plain(lab.measure(Bench()))
        assert plain == {"numbers": (1.0, math.inf)}
        assert lab.read({"numbers": [1.0, math.inf]}) == Measured((1.0, math.inf))
        with pytest.raises(ArgumentError, match="measuring them again"):
            lab.read({"other": []})
    finally:
        del Lab.registry["short"]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="misstep lab vanishing"):
        find_lab("vanshing")
    with pytest.raises(ArgumentError, match="which lists them"):
        find_lab("qqqq")


def test_every_lab_says_what_it_is() -> None:
    for slug, lab in registered_labs().items():
        assert lab.slug == slug
        assert lab.title
        assert lab.question.endswith("?")
        assert len(lab.summary) < 90, slug
        assert not lab.summary.endswith("."), slug


def test_labs_stand_in_chapters_and_no_two_at_one_place() -> None:
    labs = list(registered_labs().values())
    places = [(list(Chapter).index(lab.chapter), lab.place) for lab in labs]
    assert places == sorted(set(places))
    assert labs[0].slug == "one-neuron"


# The bench


def test_ctrl_c_ends_a_lab_and_not_only_its_training() -> None:
    class Impatient(Callback):
        def on_epoch_end(self, training: Training) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    bench = Bench(1)
    with pytest.raises(KeyboardInterrupt):
        bench.train(
            "short",
            Dense(1),
            [[0.0], [1.0]],
            [[1.0], [3.0]],
            loss=SquaredError(),
            epochs=50,
            callbacks=[Impatient()],
            compiling=False,
        )
    assert bench.trainings == 0


def test_a_course_has_what_was_measured() -> None:
    told: list[str] = []
    bench = Bench(1, told.append)
    layers = Sequential(Dense(4), Tanh(), Dense(1))
    x = np.linspace(-1, 1, 40).reshape(-1, 1)
    course = bench.train(
        *("a line", layers, x, 2 * x),
        loss=SquaredError(),
        epochs=3,
        batch_size=10,
        validation=(x, 2 * x),
        every_step=True,
    )
    assert told == ["a line"]
    assert bench.updates == course.updates == 12
    assert len(course.step_losses) == 12
    assert len(course.losses) == len(course.errors) == course.epochs == 3
    # An epoch's loss is the mean over its batches.
    assert course.losses[0] == pytest.approx(np.mean(course.step_losses[:4]), rel=1e-5)
    assert [each.layer for each in course.first] == ["dense1", "dense2"]
    assert course.first_to_last == course.first[0].gradient / course.first[1].gradient
    assert not course.failed
    assert course.ending == "all 3 epochs are done"


# Chains and signals


def test_a_chain_is_a_product() -> None:
    found = chain((0.5, 3.0), 5)
    assert found.factors == (0.5, 3.0, 0.5, 3.0, 0.5)
    assert found.left == pytest.approx(np.cumprod(found.factors))


def test_signals_are_those_of_a_pass_by_hand() -> None:
    layers = Sequential(
        Dense(1, initializer=Constant(2.0), bias=False),
        Dense(1, initializer=Constant(3.0), bias=False),
    )
    network = Network(layers, (1,))
    x, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    first, second = signals(network, x, y, SquaredError())
    # 2x and 6x; the loss is the mean of (6x)² over two rows: slopes 6x, and 18x before the last.
    assert first.forward == pytest.approx(2 * np.sqrt(2.5))
    assert second.forward == pytest.approx(6 * np.sqrt(2.5))
    assert second.backward == pytest.approx(6 * np.sqrt(2.5))
    assert first.backward == pytest.approx(18 * np.sqrt(2.5))


# Letters


def test_bars_are_as_long_as_their_numbers() -> None:
    bars = Bars("", "pieces", (Bar("a", 4.0, "4"), Bar("b", 1.0, "1"), Bar("none", 0.0, "0")))
    lines = exhibit_lines(bars, 40)
    lengths = [line.count("█") for line in lines[:3]]
    assert 4 * lengths[1] <= lengths[0] <= 4 * lengths[1] + 4
    assert lengths[1] > 0
    assert lengths[2] == 0
    assert all(len(line) <= 40 for line in lines)
    assert lines[3] == "pieces"


def test_logarithmic_bars_differ_by_factors() -> None:
    bars = tuple(Bar(f"{power}", 10.0**power, "") for power in range(4))
    lines = exhibit_lines(Bars("", "size", bars, logarithmic=True), 60)
    lengths = [len(line.split("  ")[-1]) for line in lines[:4]]
    steps = np.diff(lengths)
    assert max(steps) - min(steps) <= 1
    assert "times as much" in lines[-1]
    broken = Bars("", "size", (Bar("a", math.inf, "∞"), Bar("b", 1.0, "1")), logarithmic=True)
    assert exhibit_lines(broken, 60)[0].endswith("×")


def test_pictures_stand_side_by_side_as_far_as_there_is_room() -> None:
    dark_to_bright = Picture("a row", ((0.0, 0.3, 0.5, 0.7, 1.0),))
    shown = Pictures("", (dark_to_bright, Picture("another", ((1.0, 1.0, 0.0, 0.0, 0.0),))))
    assert exhibit_lines(shown, 30) == ["  ░░▒▒▓▓██  ████", "a row       another"]
    assert exhibit_lines(shown, 12) == ["  ░░▒▒▓▓██", "a row", "████", "another"]


def test_pictures_are_drawn_with_their_names() -> None:
    shown = Pictures("Two", (Picture("one", ((0.0, 1.0),)), Picture("two", ((1.0, 0.0),))))
    drawing = drawn(shown)
    assert drawing is not None
    assert (drawing.title, drawing.description) == ("Two", "pictures side by side: one, two")
    assert drawing.svg().count("<image") == 2


def test_animals_are_the_same_for_the_same_seed() -> None:
    (one, kinds), (same, _), (other, _) = animals(4, 0), animals(4, 0), animals(4, 1)
    assert kinds.tolist() == [CAT, DOG, CAT, DOG]
    assert one.shape == (4, SIDE, SIDE)
    assert 0.0 <= one.min() <= one.max() <= 1.0
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    # A cat's ears stand where a dog has nothing.
    assert one[::2, 2:4].mean() > 2 * one[1::2, 2:4].mean()


def test_a_sparkline_goes_where_the_curve_goes() -> None:
    x = tuple(map(float, range(101)))
    curves = Curves("", "x", "y", (Curve("up", x, x), Curve("down", x, x[::-1])))
    up, down, scale = exhibit_lines(curves, 60)
    rising, falling = (line.split()[1] for line in (up, down))
    assert rising[0] == "▁"
    assert rising[-1] == "█"
    assert list(rising) == sorted(rising)
    assert list(falling) == sorted(falling, reverse=True)
    assert up.endswith("0 → 100")
    assert down.endswith("100 → 0")
    assert scale == "y from 0 (▁) to 100 (█); x 0 to 100"
    assert all(len(line) <= 60 for line in (up, down))


def test_what_is_no_number_and_what_is_above_is_marked() -> None:
    curve = Curve("loss", (0.0, 1.0, 2.0), (1.0, 50.0, math.nan))
    line, *scale = exhibit_lines(Curves("", "step", "loss", (curve,), ceiling=5.0), 60)
    assert "^" in line
    assert "×" in line
    assert line.endswith("1 → no number")
    assert "is above" in " ".join(scale)


def test_a_table_stands_in_columns() -> None:
    lines = exhibit_lines(Table("of two", ("name", "n"), (("a", "1"), ("bb", "22")), (1,)), 40)
    assert lines == ["of two", "name   n", "a      1", "bb    22"]


def test_a_flow_goes_forward_and_back() -> None:
    flow = Flow("", (Computed("w", "2", "∂L/∂w = 6"), Computed("L = 3w", "6", "1")), ("3",))
    names, numbers, back, blame = exhibit_lines(flow, 60)
    assert names.split() == ["w", "L", "=", "3w"]
    assert numbers.startswith("2")
    assert numbers.endswith("▸ 6")
    assert back.strip() == "◂ × 3"
    assert blame.startswith("∂L/∂w = 6")
    narrow = exhibit_lines(flow, 20)
    assert max(map(len, narrow)) < max(map(len, exhibit_lines(flow, 60)))
    assert "▴ × 3" in narrow[1]
    drawing = drawn(flow)
    assert drawing is not None
    assert drawing.description == "forward w, 2, then L = 3w, 6; back, multiplied by 3"


def test_drawings_say_their_numbers_in_words() -> None:
    bars = Bars("sizes", "size", (Bar("a", 1.0, "one"), Bar("b", 1e-6, "tiny")), logarithmic=True)
    assert "a one; b tiny" in drawn_bars(bars).description
    curve = Curve("loss", (1.0, 2.0, 3.0), (2.0, 900.0, 1.0))
    shown = drawn_curves(Curves("fall", "epoch", "loss", (curve,), ceiling=5.0))
    assert shown.description == "loss from 2 to 1"
    assert "cut off at 5" in shown.svg()


def test_what_is_above_the_ceiling_is_not_drawn() -> None:
    curve = Curve("loss", (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (1.0, 9.0, 90.0, 80.0, 7.0, 2.0))
    drawing = drawn(Curves("", "epoch", "loss", (curve,), ceiling=5.0))
    assert drawing is not None
    # Up to the edge, and down from it; what is between is beyond the picture.
    stretches = re.findall(r'<polyline[^>]* points="([^"]+)"', drawing.svg())
    assert [len(points.split()) for points in stretches] == [2, 2]


def test_bars_that_are_compared_have_one_scale() -> None:
    def length(number: float) -> float:
        bars = Bars("", "share", (Bar("a", number, ""),), span=(1.0,))
        return float(re.findall(r'<rect [^>]*width="([\d.]+)"', drawn_bars(bars).svg())[0])

    assert length(0.8) == pytest.approx(2 * length(0.4), rel=0.01)


# The pages


def test_the_pages_of_labs_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "lab_pages.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_markdown_shows_words_as_they_are() -> None:
    spec = importlib.util.spec_from_file_location("lab_pages", ROOT / "scripts" / "lab_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.escaped("a_b|c*<d") == r"a\_b\|c\*\<d"
    table = Table("two", ("a|b", "n"), (("x", "1"),), (1,))
    assert "".join(module.exhibit_text(table)).splitlines()[3:] == [
        "| a\\|b | n |",
        "| --- | --: |",
        "| x | 1 |",
    ]
