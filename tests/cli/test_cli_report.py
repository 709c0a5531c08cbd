"""`misstep report`, and the report that each training leaves: the same page for the same run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cli_world import Run

import misstep as ms
from misstep.cli import command_line

TRAIN = "train flowers.csv --target kind --epochs 2 --out runs/few"


def page_of(folder: str | Path) -> str:
    return (Path(folder) / "report.html").read_text(encoding="utf-8")


def without_blame(page: str) -> str:
    """Return a page without what only who has just trained knows: what the next update would be."""
    return re.sub(r'<section id="blame">.*?</section>', "", page, flags=re.DOTALL)


def test_training_leaves_one_and_says_where(run: Run, world: Any) -> None:
    done = run(*TRAIN.split(), "--json")
    assert done.code == 0
    assert done.json["report"] == "runs/few/report.html"
    assert "is in runs/few/report.html." in done.said
    page = page_of("runs/few")
    assert "misstep train flowers.csv --target kind --epochs 2" in page
    assert "could not be drawn" not in page
    assert len(page.encode()) < 1_000_000


def test_the_same_page_can_be_made_anew(run: Run, world: Any) -> None:
    run(*TRAIN.split())
    first = page_of("runs/few")
    again = run("report", "runs/few", "--json")
    assert again.code == 0
    page = page_of("runs/few")
    assert again.json["bytes"] == len(page.encode())
    assert without_blame(page) == without_blame(first)
    assert run("report", "runs/few", "flowers.csv", "--out", "elsewhere.html").code == 0
    assert Path("elsewhere.html").read_text(encoding="utf-8") == page


def test_without_its_data_the_page_says_less(run: Run, world: Any) -> None:
    run(*TRAIN.split())
    Path("flowers.csv").rename("moved.csv")
    done = run("report", "runs/few")
    assert done.code == 0
    assert "Without its rows:" in done.said
    page = page_of("runs/few")
    assert '<section id="decisions">' in page
    assert '<section id="results">' not in page
    assert run("report", "runs/few", "moved.csv").code == 0
    assert '<section id="results">' in page_of("runs/few")


def test_other_data_are_refused(run: Run, world: Any) -> None:
    run(*TRAIN.split())
    page = page_of("runs/few")
    lines = Path("flowers.csv").read_text(encoding="utf-8").replace("red", "green")
    Path("other.csv").write_text(lines, encoding="utf-8")
    done = run("report", "runs/few", "other.csv")
    assert done.code == 2
    assert "the rows that its model learned from" in done.err
    assert page_of("runs/few") == page


def test_a_run_that_was_broken_off_has_a_page(run: Run, world: Any) -> None:
    run(*TRAIN.split())
    record = Path("runs/few/record.jsonl")
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join(lines[:-3]) + lines[-3][:40], encoding="utf-8")
    Path("runs/few/model.misstep").unlink()
    done = run("report", "runs/few")
    assert done.code == 0
    assert "its end is not written" in page_of("runs/few")


def test_what_is_no_run_is_refused(run: Run, world: Any) -> None:
    assert run("report", "nowhere").code == 2
    assert run("report", "runs/flowers/model.misstep").code == 2


def test_an_error_while_reporting_costs_no_training(
    run: Run, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError("out of ink")

    monkeypatch.setattr("misstep.report.report.report_page", fail)
    done = run(*TRAIN.split())
    assert done.code == 0
    assert "No report was written: ZeroDivisionError: out of ink" in done.said
    assert Path("runs/few/model.misstep").is_file()
    assert not Path("runs/few/report.html").exists()


def test_ctrl_c_while_reporting_keeps_the_model(
    run: Run, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("misstep.report.report.report_page", stop)
    done = run(*TRAIN.split())
    assert done.code == 130
    assert ms.load_model("runs/few/model.misstep").target.name == "kind"
    assert sorted(path.name for path in Path("runs/few").iterdir()) == [
        *("checkpoints", "model.misstep", "record.jsonl")
    ]


def test_a_training_that_failed_leaves_one(run: Run, world: Any) -> None:
    words = "train houses.csv --target price --epochs 3 --out runs/sick --network dense4"
    done = run(*words.split(), "--optimizer", "sgd", "--learning-rate", "1e12")
    assert done.code == 1
    assert "runs/sick/report.html shows it" in done.said
    assert '<section id="findings">' in page_of("runs/sick")


def test_a_search_shows_its_trials(run: Run, world: Any) -> None:
    pytest.importorskip("optuna")
    words = "tune flowers.csv --target kind --epochs 1 --network dense4 --trials 3 --out runs/found"
    assert run(*words.split()).code == 0
    assert '<section id="search">' in page_of("runs/found")


def test_it_is_a_command() -> None:
    root: Any = command_line()
    assert "report" in root.commands


def test_a_series_is_shown_anew_with_its_forecasts(run: Run, world: Any) -> None:
    rows = [f"{1990 + at // 12}-{at % 12 + 1:02},{at + 5 * (at % 12)}\n" for at in range(90)]
    Path("sold.csv").write_text("month,sold\n" + "".join(rows), encoding="utf-8")
    words = "train sold.csv --target sold --horizon 3 --epochs 2 --out runs/sold"
    assert run(*words.split()).code == 0
    page = page_of("runs/sold")
    for slug in ("forecast", "results", "data"):
        assert f'<section id="{slug}">' in page
    assert run("report", "runs/sold").code == 0
    # The model that was judged is not kept, so what it goes by can't be asked any more.
    first, again = sections(page), sections(page_of("runs/sold"))
    assert first.keys() - again.keys() == {"importance"}
    assert {slug: first[slug] for slug in again} == again


def sections(page: str) -> dict[str, str]:
    """Return what stands in each section of a page, by its slug."""
    return dict(re.findall(r'<section id="([\w-]+)">(.*?)</section>', page, re.DOTALL))
