"""What the benchmarks say without any other library: arithmetic, ratios, workloads, their arrays.

Times are never tested. That all libraries give the same losses is checked by every run of
`scripts/bench` itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms

ROOT = Path(__file__).resolve().parents[2]
# Not a part of the package, so it is found beside it.
sys.path.insert(0, str(ROOT))

from benchmarks import __main__ as command_line  # noqa: E402
from benchmarks import compete, entrant, fresh_runs, job, machine, ours, ratios, report  # noqa: E402
from benchmarks.growth import axes  # noqa: E402
from benchmarks.networks import Dense, read_family  # noqa: E402
from benchmarks.worker import MOST_LENGTHENED, START_SHARE, units_for  # noqa: E402
from benchmarks.workloads import (  # noqa: E402
    PEAK_SIDE,
    PRODUCT_SIDES,
    WORKLOADS,
    Target,
    Update,
    Workload,
    product,
    quick,
)

sys.path.remove(str(ROOT))

NETWORKS = [one for one in WORKLOADS.values() if one.network is not None]
DENSE = [one for one in NETWORKS if isinstance(one.network, Dense)]


def small(**changes: object) -> Workload:
    """Return a workload that takes a moment."""
    start = Workload("small", "5-4-3", network=Dense((5, 4, 3)), batch=8, rows=32)
    return replace(start, **changes)  # type: ignore[arg-type]


# Arithmetic


def test_operations_of_a_step_as_counted_by_hand() -> None:
    # Forward 2 · 8 · (5 · 4 + 4 · 3), weights' gradients the same, the hidden layer's 2 · 8 · 12.
    assert small().flops == 2 * 8 * (20 + 12) + 2 * 8 * (20 + 12) + 2 * 8 * 12
    assert small(kind="predict").flops == 2 * 8 * (20 + 12)
    # Convolutions 26 · 26 · 9 · 32 and 24 · 24 · 288 · 64, then 9216 · 128 and 128 · 10.
    forward = [194_688, 10_616_832, 1_179_648, 1_280]
    assert WORKLOADS["cnn-adam"].flops == 2 * 64 * (3 * sum(forward) - forward[0])
    # 64 · 50 places: 8 · 256 and 64 · 256; 64 rows: 64.
    forward = [50 * 8 * 256, 50 * 64 * 256, 64]
    assert WORKLOADS["lstm-adam"].flops == 2 * 64 * (3 * sum(forward) - forward[0])
    # Two blocks of 64 tokens: q, k, v; scores; sums; output; inner layers. Then 128 · 10.
    tokens = 64 * (128 * 384 + 2 * 64 * 128 + 128 * 128 + 2 * 128 * 512)
    assert WORKLOADS["transformer-adam"].flops == 6 * 32 * (2 * tokens + 1_280)
    assert product(100).flops == 2 * 100**3


def test_operations_of_a_step_are_those_of_its_products() -> None:
    # The products that really run, counted in the program itself.
    workload = small()
    trainer = ours.make_trainer(
        workload, ours.make_network(workload, job.first_weights(workload)), 1
    )
    graph = trainer._step_programs().step(workload.batch, weighted=False).graph
    counted = 0
    for value in graph.computed:
        if value.op is not None and value.op.name == "matrix_product":
            inner = value.inputs[0].shape[-1]
            counted += 2 * value.size * inner
    assert counted == workload.flops


@pytest.mark.parametrize("workload", NETWORKS, ids=lambda one: one.name)
def test_a_workload_describes_our_network(workload: Workload) -> None:
    family = workload.network
    assert family is not None
    weights = job.first_weights(workload)
    network = ours.make_network(workload, weights)
    assert network.parameter_count == sum(one.size for one in weights.values())
    assert network.output_shape == (family.outputs,)
    assert network.dtype == workload.dtype
    held = network.arrays()
    for name, place in ours.places_of(network, weights).items():
        assert np.array_equal(held[place], weights[name])


@pytest.mark.parametrize("workload", NETWORKS, ids=lambda one: one.name)
def test_a_network_reads_as_it_was_told(workload: Workload) -> None:
    assert workload.network is not None
    told = json.loads(json.dumps(workload.network.settings()))
    assert read_family(told) == workload.network


@pytest.mark.parametrize("workload", DENSE, ids=lambda one: one.name)
def test_a_workload_says_in_words_what_it_is(workload: Workload) -> None:
    words, network = workload.words, workload.network
    assert isinstance(network, Dense)
    hidden = network.sizes[1:-1]
    same = len(set(hidden)) == 1 and len(hidden) > 2
    middle = f"{len(hidden)}x{hidden[0]}" if same else "-".join(map(str, hidden))
    assert f"{network.sizes[0]}-{middle}-{network.sizes[-1]}" in words
    if workload.kind == "train":
        assert {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[workload.update.kind] in words
        assert ("sigmoid" in words) == (network.activation == "sigmoid")
        assert ("batch normalization" in words) == network.normalized
        assert ("clipped" in words) == (workload.clip is not None)
        assert (f"dropout {network.dropout:g}" in words) == (network.dropout > 0)
        assert f"batch {workload.batch}" in words or workload.batch == 1


@pytest.mark.parametrize(
    "workload",
    [*NETWORKS, *[quick(one) for one in NETWORKS], *[a.make(v) for a in axes() for v in a.values]],
    ids=lambda one: one.name,
)
def test_every_batch_is_full(workload: Workload) -> None:
    assert workload.rows % workload.batch == 0
    assert 1 <= job.checked_batches(workload) <= workload.batches


def test_the_table_of_the_goal_is_there() -> None:
    wanted = {name: (one.target.ratio, one.target.share) for name, one in WORKLOADS.items()}
    assert wanted == {
        "mnist-adam": (2.2, 0.75),
        "table-adam": (3.0, None),
        "one-by-one": (3.0, None),
        "funnel-momentum": (1.5, 0.7),
        "middle-adam": (1.8, None),
        "deep-adam": (1.6, 0.75),
        "wide-dropout": (1.5, 0.8),
        "wide-clipped": (1.5, 0.75),
        "double-momentum": (1.5, None),
        "predict-one": (2.0, None),
        "predict-many": (1.3, 0.75),
        "short-epochs": (None, None),
        "cnn-adam": (1.4, 0.7),
        "residual-cnn": (1.4, 0.6),
        "lstm-adam": (1.8, 0.6),
        "lstm-stacked": (1.4, 0.6),
        "gru-adam": (1.5, 0.6),
        "deep-normalized": (1.7, 0.65),
        "embedding-adam": (1.5, None),
        "embedding-sgd": (1.5, None),
        "transformer-adam": (1.4, 0.6),
    }
    assert {name: one.target.ratio for name, one in fresh_runs.FRESH.items()} == {
        "digits-cold": 1.0,
        "digits-warm": 1.5,
        "mnist-cnn": 1.0,
    }
    assert min(PRODUCT_SIDES) == 64
    assert max(PRODUCT_SIDES) == PEAK_SIDE == 2048


# Arrays


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
def test_a_job_reads_as_it_was_written(loss: str, tmp_path: Path) -> None:
    workload = small(loss=loss, dtype="float64", update=Update("sgd", 0.1, momentum=0.5))
    assert job.write_job(workload, 3, tmp_path) == "random"
    read = job.read_job(tmp_path)
    assert read.workload == workload
    assert read.threads == 3
    assert read.x.dtype == np.float64
    written = job.first_weights(workload)
    assert list(read.weights) == ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    for name, array in read.weights.items():
        assert np.array_equal(array, written[name])
    assert sorted(read.order[:4].reshape(-1)) == list(range(32))
    assert read.checked.max() < read.checked_rows <= workload.rows


def test_the_order_is_the_one_in_which_we_train(tmp_path: Path) -> None:
    # Each row has a feature of its own, so a step moves the weights of its rows' features only.
    rows, batch = 12, 3
    workload = Workload(
        "order", "", network=Dense((rows, 2)), batch=batch, rows=rows, loss="squared-error"
    )
    job.write_job(workload, 1, tmp_path)
    read = job.read_job(tmp_path)
    x = np.eye(rows, dtype="float32")
    workload = replace(workload, update=Update("sgd", 0.1))
    seen: list[Any] = []
    network = ours.make_network(workload, read.weights)
    (first, *_) = network.arrays()

    class Watch(ms.Callback):
        def on_update(self, training: Any) -> None:
            seen.append(network.arrays(training.state.parameters)[first].copy())

    start = network.arrays()[first].copy()
    trainer = ours.make_trainer(workload, network, 1)
    trainer.fit(x, np.ones((rows, 2), "float32"), epochs=1, callbacks=[Watch()])
    for chosen, before, after in zip(read.order, [start, *seen], seen, strict=False):
        assert sorted(np.flatnonzero((before != after).any(axis=1))) == sorted(chosen)
    assert len(seen) == rows // batch


def test_ours_gives_what_others_are_compared_with(tmp_path: Path) -> None:
    job.write_job(small(), 1, tmp_path)
    runner = ours.Ours(job.read_job(tmp_path))
    found = runner.verify()
    assert len(found["epochs"]) == job.CHECKED_EPOCHS
    assert found["final"] < found["epochs"][0]
    assert runner.verify() == found
    runner.run(2)
    assert runner.unit == 4


@pytest.mark.parametrize("kind", ["predict", "product"])
def test_ours_predicts_and_multiplies(kind: str, tmp_path: Path) -> None:
    workload = small(kind=kind) if kind == "predict" else product(8)
    job.write_job(workload, 1, tmp_path)
    read = job.read_job(tmp_path)
    runner = ours.Ours(read)
    runner.run(5)
    numbers = runner.verify()["numbers"]
    if kind == "product":
        expected = entrant.product_numbers(read.x @ read.y)
        assert ratios.difference(expected, numbers, compete.LEAST_PRODUCT) <= workload.tolerance
    else:
        assert np.allclose(np.reshape(numbers, (-1, 3)).sum(axis=1), 1)


# Ratios


def test_a_ratio_is_taken_pair_by_pair() -> None:
    found = ratios.ratio([1.0, 10.0, 2.0], [2.0, 20.0, 6.0])
    assert found.median == 2.0
    assert found.low == pytest.approx(2.0)
    assert found.high == pytest.approx(2.8)
    assert str(found) == "2.00 (2.00–2.80)"


@pytest.mark.parametrize("pair", [([], []), ([1.0], [1.0, 2.0])])
def test_a_ratio_needs_pairs(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="needed pairs"):
        ratios.ratio(*pair)


def test_share_of_the_roofline() -> None:
    assert ratios.share_of_roofline(10**9, 0.01, 2e11) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ours_", "theirs", "apart"),
    [
        ([2.0, 1.0], [2.0, 1.1], 0.1),
        ([], [], 0.0),
        ([0.0], [1e-6], 1.0),
        ([1.0], [float("nan")], float("inf")),
        ([float("inf")], [float("inf")], float("inf")),
        ([1.0], [1.0, 1.0], float("inf")),
    ],
)
def test_how_far_losses_are_apart(ours_: list[float], theirs: list[float], apart: float) -> None:
    assert ratios.difference(ours_, theirs) == pytest.approx(apart)


# Reports


def outcome(**changes: object) -> compete.Outcome:
    losses = {"epochs": [2.0, 1.0], "final": 0.5}
    mine = compete.Standing("ours", times=[1e-4] * 3, losses=losses, memory=2**20)
    fast = compete.Standing("jax", times=[2e-4] * 3, ours=[1e-4] * 3, losses=losses)
    slow = compete.Standing("torch", times=[9e-4] * 3, ours=[1e-4] * 3, losses=losses)
    gone = compete.Standing("scikit-learn", skipped="not installed")
    workload = replace(WORKLOADS["mnist-adam"], **changes)  # type: ignore[arg-type]
    return compete.Outcome(workload, 2, "random", mine, [slow, fast, gone], [2e11])


def test_the_best_peer_is_the_fastest_that_counts() -> None:
    assert report.best_peer(outcome()).name == "jax"  # type: ignore[union-attr]
    judged = outcome(target=Target(2.0, judged=("torch",)))
    assert report.best_peer(judged).name == "torch"  # type: ignore[union-attr]


def test_a_peer_that_does_other_work_wins_nothing() -> None:
    found = outcome()
    found.peers[1].agrees = False
    assert report.best_peer(found).name == "torch"  # type: ignore[union-attr]
    assert not found.agrees
    assert "DIFFER" in report.ratio_table([found])
    assert "DIFFERS" in "\n".join(report.loss_lines(found))


def test_what_was_reached_is_told() -> None:
    found = outcome(target=Target(2.5, 0.1, against={"torch": 8.0}))
    told = {name: reached for name, reached, _ in report.verdicts(found)}
    flops = found.workload.flops
    expected = {
        "ratio to jax": 2.0,
        "ratio to torch": 9.0,
        "share of roofline": flops / 1e-4 / 2e11,
    }
    assert told == pytest.approx(expected)
    table = report.ratio_table([found])
    assert "ratio to jax ≥ 2.5: no (2.00)" in table
    assert "ratio to torch ≥ 8: yes" in table


@pytest.mark.parametrize("table", [report.ratio_table, report.peer_table, report.memory_table])
def test_tables_are_even(table: Callable[[list[compete.Outcome]], str]) -> None:
    widths = {line.count("|") for line in table([outcome()]).splitlines()}
    assert len(widths) == 1


def test_results_are_kept_as_they_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    stem = report.write_results("workloads", {"cores": 2}, [outcome()], "text", "chip")
    assert stem.name.endswith("-chip")
    kept = stem.with_name(stem.name + ".json").read_text(encoding="utf-8")
    assert '"best_peer": "jax"' in kept
    assert stem.with_name(stem.name + ".md").read_text(encoding="utf-8") == "text\n"


# Machine and script


def test_workers_get_their_threads_and_nothing_that_bends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("XLA_FLAGS", "--foreign")
    found = machine.worker_environment(2)
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "2"
    assert {"OPENBLAS_CORETYPE", "XLA_FLAGS"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("AMD EPYC (family 26, model 2)", "amd-epyc"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-xeon"),
        ("", "unknown"),
    ],
)
def test_a_processor_names_a_file(name: str, short: str) -> None:
    assert machine.short_name(name) == short


def test_memory_of_this_process() -> None:
    assert 2**20 < machine.peak_memory() < 2**40


def test_entries_load_nothing_and_refuse_in_words() -> None:
    code = (
        "import sys, benchmarks.compete, benchmarks.fresh_runs, benchmarks.agree\n"
        "from benchmarks.entrant import ENTRIES\n"
        "from benchmarks.workloads import WORKLOADS\n"
        "[e.refuses(w) or e.lacks() for e in ENTRIES.values() for w in WORKLOADS.values()]\n"
        "print(*{'torch', 'jax', 'sklearn'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
    refused = entrant.ENTRIES["scikit-learn"].refuses(WORKLOADS["wide-dropout"])
    assert refused == "it has no dropout and no clipping"
    assert entrant.ENTRIES["jax-scan"].refuses(WORKLOADS["predict-one"])
    assert entrant.ENTRIES["jax-scan"].refuses(WORKLOADS["cnn-adam"])
    assert not entrant.ENTRIES["jax-scan"].refuses(WORKLOADS["lstm-adam"])
    for name in ("lstm-adam", "deep-normalized", "embedding-sgd"):
        assert "dense layers only" in str(entrant.ENTRIES["scikit-learn"].refuses(WORKLOADS[name]))


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--list"], "mnist-adam"), (["--help"], "usage"), (["no-such"], "no 'no-such'")],
)
def test_the_command_line_answers(words: list[str], said: str) -> None:
    command = [sys.executable, "-m", "benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr
    assert done.returncode == (2 if words == ["no-such"] else 0)


def test_weights_find_their_places_by_name_or_order() -> None:
    workload = small()
    weights = job.first_weights(workload)
    network = ours.make_network(workload, weights)
    renamed = {"a.bias": 0, "a.kernel": 0, "b.weight": 0, "b.bias": 0}
    assert ours.places_of(network, renamed) == {  # type: ignore[arg-type]
        "a.bias": "dense1.bias",
        "a.kernel": "dense1.weight",
        "b.weight": "dense2.weight",
        "b.bias": "dense2.bias",
    }
    with pytest.raises(ValueError, match="needed layers"):
        ours.places_of(network, {"a.weight": np.zeros(1)})


def test_losses_are_compared_and_nothing_is_timed_without_pairs() -> None:
    found = compete.compete(
        small(), [], pairs=0, threads=1, seconds=0.01, peak=None, say=lambda line: None
    )
    assert len(found.ours.losses["epochs"]) == job.CHECKED_EPOCHS
    assert not found.ours.times


def test_what_is_done_is_kept_when_the_rest_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_one(wanted: Any, name: str, peak: Any) -> compete.Outcome:
        if name == "table-adam":
            raise KeyboardInterrupt
        return outcome()

    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(command_line, "run_one", run_one)
    wanted = command_line.read_arguments(["mnist-adam", "table-adam"])
    facts = command_line.machine_facts(wanted)
    with pytest.raises(KeyboardInterrupt):
        command_line.run_table(wanted, wanted.names, facts, "chip")
    (kept,) = tmp_path.glob("*.json")
    told = json.loads(kept.read_text(encoding="utf-8"))
    assert [one["workload"]["name"] for one in told["outcomes"]] == ["mnist-adam"]
    assert told["stopped"] is True


def test_the_script_is_strict() -> None:
    path = ROOT / "scripts" / "bench"
    assert "set -euo pipefail" in path.read_text(encoding="utf-8").splitlines()
    assert path.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(path)], check=True)


def call_times(start: float, each: float) -> Callable[[int], float]:
    return lambda units: start + each * units


@pytest.mark.parametrize("each", [1e-6, 3e-4, 0.03])
def test_what_a_call_does_once_is_told_from_what_it_does_for_each_unit(each: float) -> None:
    for start in (0.0, 0.02, 0.05):
        units, found = units_for(0.5, call_times(start, each))
        assert found == pytest.approx(start, abs=1e-6)
        assert units == pytest.approx(0.5 / each, rel=0.02)


def test_a_measurement_is_lengthened_where_a_call_begins_slowly() -> None:
    units, _ = units_for(0.5, call_times(0.1, 0.03))
    assert units * 0.03 == pytest.approx(0.1 / START_SHARE, rel=0.05)
    units, _ = units_for(0.5, call_times(5.0, 0.03))
    assert units * 0.03 == pytest.approx(0.5 * MOST_LENGTHENED, rel=0.05)


def test_a_long_unit_is_a_measurement() -> None:
    assert units_for(0.5, call_times(0.0, 2.0)) == (1, 0.0)
