"""Links hold the whole state: what is written is read again, and stranger's texts are refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from misstep.errors import ArgumentError
from misstep.optim import optimizer_names
from misstep.playground import Choice, Link, RowChoice, Session, Settings, problem_names
from misstep.playground.settings import ACTIVATIONS, INITIALIZATIONS

_STARTS = st.fixed_dictionaries(
    {},
    optional={
        "problem": st.sampled_from(problem_names()),
        "rows": st.integers(2, 5000),
        "noise": st.floats(0, 1),
        "layers": st.lists(st.integers(1, 64), max_size=12),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "initialization": st.sampled_from(sorted(INITIALIZATIONS)),
        "initialization_scale": st.floats(0, 100),
        "bias": st.floats(-100, 100),
        "input_scale": st.floats(1e-4, 1e4),
        "seed": st.integers(0, 2**31 - 1),
        "standardize": st.booleans(),
        "residual": st.booleans(),
    },
)
_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "optimizer": st.sampled_from(optimizer_names()),
        "learning_rate": st.floats(0, 1e6),
        "batch_size": st.integers(1, 5000),
        "l1": st.floats(0, 10),
        "l2": st.floats(0, 10),
        "dropout": st.floats(0, 0.9),
        "clipping": st.floats(0, 1e6),
        "clipping_by": st.sampled_from(("norm", "value")),
    },
)
_CHOICES = st.one_of(
    st.none(),
    st.builds(Choice.unit, st.integers(1, 12), st.integers(0, 63)),
    st.builds(Choice, st.just("dense12.weight"), st.tuples(st.integers(0, 63), st.integers(0, 63))),
    st.builds(Choice, st.just("dense1.bias"), st.tuples(st.integers(0, 63))),
)


@limits(max_examples=60, deadline=None)
@given(
    _STARTS,
    _CHANGES,
    st.dictionaries(st.integers(1, 1_000_000), _CHANGES.filter(bool), max_size=5),
    st.integers(0, 1_000_000),
    _CHOICES,
    st.builds(RowChoice, st.integers(0, 4999), st.booleans()),
)
def test_a_link_is_read_as_it_was_written(start, more, changes, update, choice, row) -> None:
    link = Link(Settings.of(start | more), sorted(changes.items()), update, choice, row, "0a1b")
    text = link.text()
    again = Link.read(text)
    assert again == Link(link.begins, tuple(sorted(changes.items())), update, choice, row, "0a1b")
    assert again.text() == text
    assert Link.read("#" + text) == again
    assert not set(text) & set(" #\"'<>\\")


def test_what_is_as_by_default_is_left_out_and_the_defaults_of_version_1_stay() -> None:
    # A link of version 1 means these; whoever changes a default lets VERSION grow.
    assert Link().text() == "v=1"
    assert Settings().plain() == {
        "problem": "circles",
        "rows": 200,
        "noise": 0.1,
        "data_seed": 0,
        "input_scale": 1.0,
        "standardize": False,
        "layers": [8, 8],
        "activation": "tanh",
        "normalization": "none",
        "residual": False,
        "initialization": "suited",
        "initialization_scale": 1.0,
        "bias": 0.0,
        "seed": 0,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "batch_size": 10,
        "l1": 0.0,
        "l2": 0.0,
        "dropout": 0.0,
        "clipping": 0.0,
        "clipping_by": "norm",
    }


@pytest.mark.parametrize(
    "text",
    [
        "v=2",
        "v=1&p=triangles",
        "v=1&l=8.x",
        "v=1&l=8.8.8.8.8.8.8.8.8.8.8.8.8",
        "v=1&lr=nan",
        "v=1&lr=inf",
        "v=1&lr=-1",
        "v=1&r=1e3",
        "v=1&u=-1",
        "v=1&u=1000001",
        "v=1&u=" + "9" * 4000,
        "v=1&c5=l:4",
        "v=1&c5=lr:0.1&c5=lr:0.2",
        "v=1&c9=lr:0.1&c5=lr:0.2",
        "v=1&c0=lr:0.2",
        "v=1&c5=lr",
        "v=1&k=dense1.weight",
        "v=1&k=../../etc/passwd.1",
        "v=1&row=x1",
        "v=1&row=h-1",
        "v=1&what=1",
        "nonsense",
        "v=1&l=%ff",
        "v=1&" + "a=tanh&" * 2000,
    ],
)
def test_other_texts_are_refused_in_words(text: str) -> None:
    with pytest.raises(ArgumentError):
        Link.read(text)


@limits(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_link_or_is_refused(text: str) -> None:
    with contextlib.suppress(ArgumentError):
        assert Link.read(Link.read(text).text()) == Link.read(text)


def test_the_same_link_gives_the_same_bits() -> None:
    session = Session(Settings(rows=30, layers=(3,), optimizer="adam", dropout=0.2))
    session.step(7)
    session.change(learning_rate=0.01, l2=0.1)
    session.step(5)
    session.change(optimizer="sgd", batch_size=7)
    session.step(4)
    session.choose("dense1.weight.1.2")
    session.choose_row(3, held_out=False)
    link = session.link()
    again = Session.of_link(link)
    assert again.link() == link
    assert again.update == 16
    assert again.choice == Choice("dense1.weight", (1, 2))
    for name, array in session.timeline.state.arrays().items():
        assert np.array_equal(array, again.timeline.state.arrays()[name])
    assert again.frame() == session.frame()


@pytest.mark.parametrize("at", [6, 8])
def test_a_link_shows_and_finds_what_the_session_did_that_it_is_of(at: int) -> None:
    # Of three batches in an epoch: at the end of one, and amid one.
    session = Session(Settings(rows=30, layers=(4,)))
    session.step(at)
    session.change(activation="relu", batch_size=7, optimizer="adam")
    session.step(5)
    session.change(learning_rate=0.5)
    session.step(9)
    again = Session.of_link(session.link())
    assert again.frame() == session.frame()
    assert again.diagnose() == session.diagnose()
    mine, theirs = (one._examination.record() for one in (session, again))
    assert mine.epochs == theirs.epochs
    assert len(mine.epochs) > 2


def test_a_link_holds_what_was_changed_so_far_not_what_is_ahead() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    session.step(4)
    session.change(learning_rate=0.01)
    session.step(1)
    session.seek(2)
    assert session.link() == "v=1&r=20&l=2&u=2"
    assert session.state()["changes"] == [{"update": 4, "settings": {"learning_rate": 0.01}}]


def test_choices_that_there_are_not_are_refused_and_leave_the_session_as_it_was() -> None:
    session = Session(Settings(rows=20, layers=(2,)))
    session.choose("unit.1.1")
    for text in ("unit.3.0", "unit.1.2", "unit.0.0", "dense1.weight.0", "dense9.weight.0.0"):
        with pytest.raises(ArgumentError):
            session.choose(text)
    with pytest.raises(ArgumentError):
        session.choose_row(10)
    assert session.choice == Choice.unit(1, 1)


def test_what_is_changed_before_any_update_is_in_the_link_to_the_bit() -> None:
    session = Session(Settings(rows=20, layers=(3,), activation="tanh"))
    # A ReLU's first weights are drawn otherwise.
    assert not session.change(activation="relu")
    session.step(3)
    again = Session.of_link(session.link())
    assert again.timeline.state.parameters.tobytes() == session.timeline.state.parameters.tobytes()
