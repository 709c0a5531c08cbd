"""A loop that was watched into a folder leaves a report there, however it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

import misstep as ms
from misstep.watching.ledger import Ledger


def learn(folder: Path, error: type[BaseException] | None = None, loss: float = 0.5) -> None:
    """Write down what a loop of some framework does."""
    ledger = Ledger(folder, {"framework": "torch", "version": "2.9"})
    for _ in range(3):
        for _ in range(5):
            ledger.step(loss, 0.01)
        ledger.epoch({"training_loss": loss, "validation_loss": loss})
    ledger.close(error)


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_a_loop_leaves_a_report(tmp_path: Path, error: type[BaseException] | None) -> None:
    learn(tmp_path, error)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<dt>framework</dt><dd>torch</dd>" in page
    assert "Loss by epoch" in page
    assert "3 epochs and 15 updates" in page
    assert ms.report.report_page(ms.report.Material.of_folder(tmp_path)) == page


def test_a_loop_whose_loss_is_no_number_leaves_one(tmp_path: Path) -> None:
    learn(tmp_path, loss=float("nan"))
    assert '<section id="findings">' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_where_it_cannot_be_written_the_loop_goes_on(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.warns(RuntimeWarning, match="no report was written"):
        learn(tmp_path)
    assert len(ms.read_record(tmp_path).epochs) == 3


def test_loops_killed_as_they_begin_take_no_record_away(tmp_path: Path) -> None:
    learn(tmp_path)
    for _ in range(2):
        # As a kill leaves it: the first line, and a lock that is free.
        Ledger(tmp_path, {"framework": "keras"})._lock.close()
    assert len(ms.read_record(tmp_path / "record.before.jsonl").epochs) == 3
    (tmp_path / "record.jsonl").write_bytes(b"")
    learn(tmp_path)
    assert len(ms.read_record(tmp_path / "record.before.jsonl").epochs) == 3
    assert len(ms.read_record(tmp_path).epochs) == 3
    learn(tmp_path, loss=0.25)
    assert ms.read_record(tmp_path / "record.before.jsonl").steps["loss"][0] == 0.5
