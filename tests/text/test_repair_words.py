"""What came of a repair is said from the numbers of a record alone, whichever verdict it was."""

from __future__ import annotations

from typing import Any

import pytest

from misstep.text.repairs import arm_words, cost_words, summary_words, verdict_sentence

GAIN = {"mean": 0.25, "low": 0.1, "high": 0.4, "share": 0.5, "elsewhere": None}
WORSE = {"mean": -0.25, "low": -0.4, "high": -0.1, "share": -0.5, "elsewhere": None}


def arm(**more: Any) -> dict[str, Any]:
    plain = {"label": "with Adam", "arm": "remedy", "failed": False, "updates": 40}
    return plain | {"loss": 0.25, "curve": [[40, 0.25]], "difference": GAIN} | more


def one(verdict: str, beside: Any = None, **more: Any) -> dict[str, Any]:
    arms = [arm(**more)]
    facts = {
        "number": 1,
        "winner": "with Adam",
        "beside_random": beside,
        "needed": 1200,
        "updates": 40,
    }
    return {"verdict": verdict, "arms": arms, **facts}


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("adopted", "adopted: with Adam; its error on validation rows is 50.0% smaller"),
        ("not better", "rolled back, nothing adopted: the best, with Adam, is not better"),
        ("random better", "rolled back, nothing adopted: the random remedy did better"),
        ("failed", "rolled back, nothing adopted: training on all rows (with Adam)"),
        ("no budget", "1,200 updates would do"),
        ("interrupted", "you ended it"),
        ("nothing to try", "there is nothing to try"),
    ],
)
def test_each_verdict_is_a_sentence(verdict: str, words: str) -> None:
    assert words in verdict_sentence(one(verdict))


def test_training_rows_are_not_called_validation_rows() -> None:
    apart = {**one("adopted"), "rows": {"apart": True}}
    assert "its error on training rows that no arm learned from is 50.0%" in verdict_sentence(apart)


def test_what_the_clock_ended_names_no_updates() -> None:
    words = verdict_sentence({**one("no budget"), "updates": 1300})
    assert words == "the time was over before anything was proven."


def test_a_random_remedy_that_does_as_well_is_said() -> None:
    worse, even = {**GAIN}, {**GAIN, "low": -0.1}
    assert "the random remedy is worse beyond noise" in verdict_sentence(one("adopted", worse))
    assert "proves little" in verdict_sentence(one("adopted", even))
    assert "it is the random remedy" in verdict_sentence(one("adopted", None, arm="random"))


def test_a_difference_is_told_as_what_it_is() -> None:
    assert arm_words(arm()).endswith("50.0% smaller, by 0.2500 [0.1000, 0.4000]")
    assert arm_words(arm(difference=WORSE)).endswith("50.0% larger, by 0.2500 [0.1000, 0.4000]")
    assert arm_words(arm(failed=True, updates=3)) == "with Adam: failed after 3 updates"
    assert arm_words(arm(curve=[], loss=None)) == "with Adam: not begun"
    assert "(a random remedy)" in arm_words(arm(arm="random"))


def test_the_cost_stands_beside_that_of_the_run() -> None:
    repair = {"updates": 1200, "seconds": 3.25, "run_updates": 40, "run_seconds": float("nan")}
    assert (
        cost_words(repair) == "Cost: 1,200 updates in 3.2 s, beside 40 updates of the run itself."
    )
    rounds = [one("adopted"), {**one("nothing to try"), "arms": []}]
    whole = {"adopted": [{"label": "with Adam"}], "rounds": rounds}
    assert summary_words(whole).endswith("adopted: with Adam")
    assert "nothing adopted" in summary_words({"adopted": [], "rounds": rounds})
