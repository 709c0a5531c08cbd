"""What is said of a split: that classes are in proportion only where each part has them all."""

from pathlib import Path

import numpy as np
import pytest

from misstep.modeling import Options, train


@pytest.mark.parametrize(("answers", "said"), [("pq" * 30, True), ("p" * 59 + "q", False)])
def test_classes_in_proportion(answers: str, said: bool, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=len(answers))
    path = tmp_path / "rows.csv"
    rows = [f"{number:.4f},{answer}" for number, answer in zip(numbers, answers, strict=True)]
    path.write_text("\n".join(["a,y", *rows]) + "\n")
    result = train(path, Options(target="y", epochs=1))
    (split,) = [choice for choice in result.decisions if choice.what == "split"]
    assert ("in proportion" in split.reason) is said
