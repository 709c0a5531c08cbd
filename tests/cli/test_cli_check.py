"""`misstep check`: what it says before any training, and how it ends."""

from __future__ import annotations

from pathlib import Path

from cli_world import Run, flowers, houses


def test_sound_data(tmp_path: Path, run: Run) -> None:
    Path("flowers.csv").write_text(flowers(), encoding="utf-8")
    done = run("check", "flowers.csv", "--target", "kind")
    assert done.code == 0
    assert "flowers.csv: 60 rows" in done.said
    assert "nothing has been trained yet" in done.said
    assert [path.name for path in Path.cwd().iterdir()] == ["flowers.csv"]


def test_for_machines(tmp_path: Path, run: Run) -> None:
    head, *lines = houses(120).strip().split("\n")
    with_leak = [f"{head},copy", *(f"{line},{2 * float(line.split(',')[-1])}" for line in lines)]
    Path("houses.csv").write_text("\n".join(with_leak), encoding="utf-8")
    done = run("check", "houses.csv", "--target", head.split(",")[-1], "--json")
    assert done.code == 0
    assert {"findings", "not_examined", "seconds"} <= set(done.json)
    assert "leakage" in [finding["slug"] for finding in done.json["findings"]]


def test_sorted_rows_in_the_order_given(run: Run) -> None:
    head, *lines = flowers(120).strip().split("\n")
    lines.sort(key=lambda line: line.split(",")[-1])
    Path("flowers.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    done = run("check", "flowers.csv", "--target", "kind", "--no-shuffle", "--json")
    (finding,) = [one for one in done.json["findings"] if one["slug"] == "unshuffled"]
    assert finding["severity"] == "warning"
    assert "leave out `--no-shuffle`" in finding["remedy"]
    assert done.code == 0


def test_bad_input(run: Run) -> None:
    Path("flowers.csv").write_text(flowers(), encoding="utf-8")
    for words, said in (
        (["none.csv", "--target", "kind"], "none.csv"),
        (["flowers.csv", "--target", "nothing"], "nothing"),
        (["flowers.csv", "--target", "kind", "--network", "dense0"], "dense0"),
        (["flowers.csv", "--target", "kind", "--epochs", "0"], "--epochs"),
    ):
        done = run("check", *words)
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err


def with_errors(rows: int) -> tuple[str, list[int]]:
    """Return a table of flowers with kinds that are not theirs in some rows, from 1, and these."""
    head, *lines = flowers(rows).strip().split("\n")
    kinds = sorted({line.split(",")[-1] for line in lines})
    wrong = list(range(3, rows, 16))
    for at in wrong:
        *cells, kind = lines[at].split(",")
        lines[at] = ",".join([*cells, kinds[(kinds.index(kind) + 1 + at % 2) % len(kinds)]])
    return "\n".join([head, *lines]) + "\n", [at + 1 for at in wrong]


def test_rows_are_looked_at_where_that_is_asked_for(run: Run) -> None:
    table, wrong = with_errors(400)
    Path("flowers.csv").write_text(table, encoding="utf-8")
    done = run("check", "flowers.csv", "--target", "kind", "--rows", "--budget", "5", "--json")
    assert "looks like" in done.err
    assert "suspect-rows.csv" in done.err
    file = Path("runs") / "flowers" / "suspect-rows.csv"
    rows = [int(line.split(",")[0]) for line in file.read_text(encoding="utf-8").split("\n")[1:-1]]
    assert len(set(wrong) & set(rows)) >= 0.9 * len(wrong)
    assert done.json["findings"][0]["slug"] == "label-errors"
    assert done.code == (1 if done.json["findings"][0]["severity"] == "critical" else 0)
    done = run("check", "flowers.csv", "--target", "kind", "--rows", "--budget", "0")
    assert done.code == 2
    assert "--budget" in done.err


def test_rows_of_a_run_are_looked_at_and_stay_in_its_record(run: Run) -> None:
    table, wrong = with_errors(400)
    Path("flowers.csv").write_text(table, encoding="utf-8")
    run("train", "flowers.csv", "--target", "kind", "--network", "dense8", "--epochs", "2")
    done = run("diagnose", "runs/flowers", "--rows", "--budget", "5", "--json")
    (finding,) = [one for one in done.json["findings"] if one["slug"] == "label-errors"]
    assert set(finding["evidence"]["rows"]) & set(wrong)
    assert finding["evidence"]["rows_counted_from"] == 1
    assert (Path("runs") / "flowers" / "suspect-rows.csv").is_file()
    again = run("diagnose", "runs/flowers", "--json")
    assert "label-errors" in [one["slug"] for one in again.json["findings"]]
    Path("flowers.csv").rename("moved.csv")
    done = run("diagnose", "runs/flowers", "--rows")
    assert done.code == 2
    assert "--data" in done.err
    assert run("diagnose", "runs/flowers", "--rows", "--data", "moved.csv").code in (0, 1)
