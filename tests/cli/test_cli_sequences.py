"""The command line on recorded sequences: npz and long tables, from training to CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_world import Run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def arrays(count: int = 40, seed: int = 0) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(seed)
    x = numbers.normal(size=(count, 15, 2))
    y = np.arange(count) % 2
    x[:, :, 0] += 2 * y[:, None]
    length = numbers.integers(8, 16, count)
    x[np.arange(15) >= length[:, None]] = np.nan
    return {"x": x, "y": y, "length": length, "classes": np.array(["low", "high"])}


def long_table(given: dict[str, np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"id": f"s{row}", "time": step, "a": one[0], "b": one[1], "level": given["classes"][y]}
            for row, (x, y, n) in enumerate(
                zip(given["x"], given["y"], given["length"], strict=True)
            )
            for step, one in enumerate(x[:n])
        ]
    )


def test_a_file_of_arrays(run: Run) -> None:
    np.savez("moves.npz", **arrays())
    done = run("train", "moves.npz", "--epochs", 6, "--network", "conv4-bn-gap")
    assert done.code == 0
    assert "40 sequences of 8 to 15 steps and 2 channels" in done.said
    assert "What it got wrong as it learned, of the same 4 held-out sequences" in done.said
    assert "a linear model" in done.said
    assert "runs/moves/model.misstep" in done.said
    np.savez("new.npz", x=arrays(5, seed=1)["x"])
    assert run("predict", "runs/moves/model.misstep", "new.npz", "--out", "p.csv").code == 0
    lines = list(csv.DictReader(Path("p.csv").read_text().splitlines()))
    assert [one["row"] for one in lines] == ["1", "2", "3", "4", "5"]
    assert {one["prediction"] for one in lines} <= {"low", "high"}
    shares = [float(lines[0][f"probability_{name}"]) for name in ("high", "low")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    explained = run("explain", "runs/moves/model.misstep", "moves.npz", "--row", 2)
    assert explained.code == 0
    assert "channel_1, step" in explained.said


def test_a_long_table_is_recognized_and_may_be_said(run: Run) -> None:
    frame = long_table(arrays())
    frame.to_csv("long.csv", index=False)
    small = ("--network", "conv4-gap", "--json")
    found = run("train", "long.csv", "--target", "level", "--epochs", 6, *small)
    assert found.code == 0
    because = {one["what"]: one["because"] for one in found.json["choices"]}
    assert "no time twice" in because["sequences"]
    stages = found.json["while_learning"]["stages"]
    assert [one["update"] for one in stages][:2] == [1, 10]
    renamed = frame.rename(columns={"id": "who"})
    renamed.to_csv("said.csv", index=False)
    said = run(
        "train", "said.csv", "--target", "level", "--sequence-of", "who", "--epochs", 1, *small
    )
    assert said.code == 0
    assert "lines with the same who are one because you chose it" in said.said
    frame.drop(columns="level").to_csv("new.csv", index=False)
    predicted = run("predict", found.json["model"], "new.csv")
    assert [one["id"] for one in predicted.csv] == list(dict.fromkeys(frame["id"]))


def test_a_file_to_be_judged_on(run: Run) -> None:
    np.savez("a.npz", **arrays())
    np.savez("b.npz", **arrays(7, seed=2))
    done = run("train", "a.npz", "--test", "b.npz", "--epochs", 2, "--network", "gru3", "--json")
    assert done.code == 0
    assert "7 to be judged on" in done.said


@pytest.mark.parametrize(
    ("made", "arguments", "words"),
    [
        ({"x": np.zeros((4, 9, 2)) - 0.5}, [], "an answer for each sequence"),
        ({"x": np.zeros((4, 9))}, [], "x[..., None]"),
        (arrays(), ["--target", "y"], "the command without --target"),
        (arrays(), ["--sequence-of", "id"], "the command without --sequence-of"),
        (arrays() | {"length": np.full(40, 99)}, [], "0 to 15 steps"),
        (arrays() | {"x": np.full((40, 15, 2), np.inf)}, [], "a finite number"),
    ],
)
def test_what_does_not_fit_is_said_in_words(
    run: Run, made: dict[str, np.ndarray], arguments: list[str], words: str
) -> None:
    np.savez("bad.npz", **made)
    done = run("train", "bad.npz", *arguments)
    assert done.code == 2
    assert words in done.said
    assert "Traceback" not in done.said


def test_wrong_rows_for_a_model_are_said_in_words(run: Run) -> None:
    np.savez("moves.npz", **arrays())
    run("train", "moves.npz", "--epochs", 1, "--network", "conv2-gap")
    long_table(arrays()).to_csv("long.csv", index=False)
    for source in ("long.csv", "digits"):
        done = run("predict", "runs/moves/model.misstep", source)
        assert done.code == 2
        assert "needed sequences" in done.said
    np.savez("wide.npz", x=np.zeros((2, 15, 3)) - 0.5)
    assert "2 channels" in run("predict", "runs/moves/model.misstep", "wide.npz").said
    changing = long_table(arrays()).assign(level=lambda one: one["time"] % 2)
    changing.to_csv("long.csv", index=False)
    done = run("train", "long.csv", "--target", "level", "--sequence-of", "id")
    assert done.code == 2
    assert "one answer for each id" in done.said
