"""Every run leaves a report in its folder; what can't be reported costs no training."""

from __future__ import annotations

from pathlib import Path

import pytest

import misstep as ms
from misstep import offers
from misstep.modeling.outcome import Outcome
from misstep.modeling.pipeline import train
from misstep.report import Material, Report, report_page
from misstep.report.report import leave_report

X, Y = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0], [7.0]]
TABLE = "length,color,kind\n" + "".join(
    f"{row % 3 + row / 100:.2f},{'red' if row % 2 else 'blue'},{'rose' if row % 3 else 'iris'}\n"
    for row in range(60)
)


@pytest.fixture
def trainer() -> ms.Trainer:
    return ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))


def test_a_training_with_a_folder_leaves_one(trainer: ms.Trainer, tmp_path: Path) -> None:
    run = trainer.fit(X, Y, epochs=3, folder=tmp_path / "mine")
    page = (tmp_path / "mine" / "report.html").read_text(encoding="utf-8")
    assert page == run.report().html
    again = Material.of_folder(tmp_path / "mine")
    assert report_page(again) == page


def test_who_wants_none_gets_none(trainer: ms.Trainer, tmp_path: Path) -> None:
    trainer.fit(X, Y, epochs=3, folder=tmp_path / "mine", report=False)
    assert not (tmp_path / "mine" / "report.html").exists()


@pytest.mark.parametrize("error", [RuntimeError("out of ink"), KeyboardInterrupt()])
def test_what_cannot_be_reported_is_a_warning(
    trainer: ms.Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("misstep.report.report.report_page", fail)
    with pytest.warns(RuntimeWarning, match="no report was written: .*(ink|you ended it)"):
        run = trainer.fit(X, Y, epochs=3, folder=tmp_path / "mine")
    assert run.finished


def test_a_page_that_is_in_the_way_is_named(trainer: ms.Trainer, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    run = trainer.fit(X, Y, epochs=2)
    path, trouble = leave_report(Material.of_run(run), tmp_path)
    assert path is None
    assert "report.html" in trouble


def test_a_section_that_fails_leaves_the_others(
    trainer: ms.Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("<nothing>")

    run = trainer.fit(X, Y, validation=(X, Y), epochs=3)
    monkeypatch.setattr("misstep.report.sections.findings.Findings.content", fail)
    with pytest.raises(ZeroDivisionError):
        report_page(Material.of_run(run))
    page = report_page(Material.of_run(run), careful=True)
    assert "could not be drawn: ZeroDivisionError: &lt;nothing&gt;" in page
    assert "Loss by epoch" in page


def test_a_report_is_saved_and_shown_apart(trainer: ms.Trainer, tmp_path: Path) -> None:
    run = trainer.fit(X, Y, epochs=2)
    report = run.report(tmp_path / "page.html")
    assert isinstance(report, Report)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report.html
    shown = run._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert "<script" not in shown
    assert "kB" in repr(report)


def test_a_run_that_nobody_watched_has_a_page_too(trainer: ms.Trainer) -> None:
    run = trainer.fit(X, Y, epochs=2, watch=False)
    assert "<h1>" in run.report().html


def test_a_walk_leaves_one_and_the_record_keeps_what_came_of_it(tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text(TABLE, encoding="utf-8")
    options = ms.modeling.Options(target="kind", epochs=3, folder=tmp_path / "run", threads=1)
    result = train(str(tmp_path / "flowers.csv"), options)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page == report_page(Material.of_result(result))
    kept = Outcome.of_record(ms.read_record(tmp_path / "run"))
    assert kept is not None
    whole = Outcome.of_result(result)
    assert kept.plain() == whole.plain()
    assert kept.verdict() == whole.verdict() != ""
    assert kept.score_table() == whole.score_table()


def test_an_outcome_of_before_a_resumption_is_not_of_the_run() -> None:
    record = ms.record.Record({}, events=[{"kind": "outcome", "outcome": {}}, {"kind": "resumed"}])
    assert Outcome.of_record(record) is None
    record.events.pop()
    assert Outcome.of_record(record) is None


def test_the_roof_offers_them() -> None:
    for what in ("a run", "left by a run", "left by a walk", "left by a watched loop"):
        name = f"report {what}" if what.startswith("left") else f"report of {what}"
        assert callable(offers.ask(name))
