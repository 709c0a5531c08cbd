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


def test_rows_are_looked_at_where_that_is_asked_for(run: Run) -> None:
    head, *lines = flowers(300).strip().split("\n")
    kinds = sorted({line.split(",")[-1] for line in lines})
    wrong = range(4, 300, 15)
    for row in wrong:
        *cells, kind = lines[row].split(",")
        other = kinds[(kinds.index(kind) + 1) % len(kinds)]
        lines[row] = ",".join([*cells, other])
    Path("flowers.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    done = run("check", "flowers.csv", "--target", "kind", "--rows", "--budget", "5")
    assert "looks like" in done.said
    assert "suspect-rows.csv" in done.said
    file = Path("runs") / "flowers" / "suspect-rows.csv"
    rows = [int(line.split(",")[0]) for line in file.read_text(encoding="utf-8").split("\n")[1:-1]]
    assert {row + 1 for row in wrong} <= set(rows)
    done = run("check", "flowers.csv", "--target", "kind", "--rows", "--budget", "0")
    assert done.code == 2
    assert "--budget" in done.err
