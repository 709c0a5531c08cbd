"""`misstep train`: what it says, what it writes, and that a person's choices are honored."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from cli_world import Run, flowers, hashes, idx

from misstep.cli.run_folder import default_folder
from misstep.modeling import load_model
from misstep.record import read_record
from misstep.train.loop import Loop
from misstep.train.progress import LineProgress

TRAIN = ("train", "flowers.csv", "--target", "kind")


@pytest.fixture(autouse=True)
def here(world: Path) -> Path:
    return world


def test_every_choice_is_printed_with_its_because(run: Run) -> None:
    done = run(*TRAIN, "--epochs", 2, "--json")
    said, chosen = done.json["choices"], " ".join(done.err.split())
    assert {"target", "split", "loss", "network", "batch size", "optimizer", "epochs"} <= {
        one["what"] for one in said
    }
    for one in said:
        assert " ".join(one["because"].split()) in chosen
        assert " ".join(one["choice"].split()) in chosen


def test_the_score_stands_beside_guess_and_linear_model(run: Run) -> None:
    done = run(*TRAIN, "--epochs", 2)
    assert done.code == 0
    for words in ("this network", "a linear model", "a guess", "12 rows that training never saw"):
        assert words in done.said
    assert any(words in done.said for words in ("etter than", "Worse than"))
    assert "The model is in runs/flowers/model.misstep" in done.said
    assert "misstep predict runs/flowers/model.misstep flowers.csv\n" in done.out
    assert "misstep explain runs/flowers/model.misstep flowers.csv --row 1\n" in done.out


def test_training_that_was_too_short_is_told(run: Run) -> None:
    words = "The last epoch was the best one"
    assert words in run(*TRAIN, "--epochs", 3).said
    assert words not in run(*TRAIN, "--epochs", 60, "--learning-rate", 0.05).said


def test_progress_goes_to_standard_error(run: Run) -> None:
    done = run(*TRAIN, "--epochs", 2)
    assert "epoch 2/2" in done.err
    assert "epoch 2/2" not in done.out


def test_without_a_source_it_explains_itself(run: Run, here: Path) -> None:
    before = hashes(here)
    done = run("train")
    assert done.code == 0
    for word in ("digits", "iris", "wine", "breast-cancer", "diabetes", "CSV", "misstep train"):
        assert word in done.out
    assert run("train", "--json").json["examples"][0] == "digits"
    assert hashes(here) == before


def test_json_has_what_machines_ask_for(run: Run) -> None:
    done = run("train", "houses.csv", "--target", "price", "--epochs", 3, "--json")
    found = done.json
    assert found["task"] == "regression"
    assert found["epochs"] == 3
    assert found["seconds"] > 0
    assert Path(found["model"]) == Path("runs/houses/model.misstep")
    assert Path(found["model"]).is_file()
    assert set(found["metrics"]) == {"test", "validation", "baseline", "linear"}
    assert all(set(scores) == {"rmse", "r2", "mae"} for scores in found["metrics"].values())
    classes = run(*TRAIN, "--epochs", 1, "--json").json
    assert classes["task"] == "classification"
    assert set(classes["metrics"]["test"]) == {"accuracy"}


def test_a_chosen_number_of_epochs_is_honored(run: Run) -> None:
    # Pure noise: validation gets no better after the first epochs.
    numbers = np.random.default_rng(0)
    rows = [f"{a:.3f},{b}" for a, b in zip(numbers.normal(size=80), "xy" * 40, strict=True)]
    Path("noise.csv").write_text("\n".join(["a,b", *rows]), encoding="utf-8")
    found = run("train", "noise.csv", "--target", "b", "--epochs", 30, "--json").json
    assert found["epochs"] == 30


def test_the_other_choices_are_honored(run: Run) -> None:
    words = ["--network", "dense5-tanh", "--batch-size", 7, "--learning-rate", 0.01, "--seed", 5]
    found = run(*TRAIN, "--epochs", 1, *words, "--threads", 1, "--json").json
    model = load_model(found["model"])
    assert model.network.parameter_count == (5 * 5 + 5) + (5 * 3 + 3)
    facts = read_record(Path(found["folder"]) / "record.jsonl").facts
    assert facts["batch_size"] == 7
    assert facts["seed"] == found["seed"] == 5
    assert "0.01" in facts["optimizer"]


def test_the_same_seed_gives_the_same_model(run: Run) -> None:
    made = []
    for out in ("a", "b"):
        run(*TRAIN, "--epochs", 2, "--seed", 3, "--out", out)
        made.append((Path(out) / "model.misstep").read_bytes())
    assert made[0] == made[1]


def test_a_task_can_be_chosen(run: Run) -> None:
    Path("codes.csv").write_text(
        "a,b\n" + "".join(f"{n},{n % 3}\n" for n in range(60)), encoding="utf-8"
    )
    words = ("train", "codes.csv", "--target", "b", "--epochs", 1, "--json")
    assert run(*words).json["task"] == "classification"
    assert run(*words, "--task", "regression").json["task"] == "regression"


def test_quiet_says_only_the_result(run: Run) -> None:
    done = run(*TRAIN, "--epochs", 1, "--quiet")
    assert "because" not in done.said
    assert "epoch 1/1" not in done.said
    assert "this network" in done.out
    assert "runs/flowers/model.misstep" in done.out


def test_test_rows_of_an_own_file(run: Run) -> None:
    Path("more.csv").write_text(flowers(30, seed=9), encoding="utf-8")
    done = run(*TRAIN, "--epochs", 1, "--test", "more.csv")
    assert "30 rows to be judged on" in done.said
    assert "on 30 rows that training never saw" in done.said
    assert "model.misstep more.csv" in done.said


def test_many_columns_do_not_print_many_lines(run: Run) -> None:
    numbers = np.random.default_rng(0)
    heads = [f"feature_{n}" for n in range(100)] + [f"same_{n}" for n in range(20)] + ["y"]
    rows = [
        [f"{x:.3f}" for x in numbers.normal(size=100)] + ["1"] * 20 + ["ab"[n % 2]]
        for n in range(40)
    ]
    text = "\n".join(",".join(row) for row in [heads, *rows])
    Path("wide.csv").write_text(text, encoding="utf-8")
    done = run("train", "wide.csv", "--target", "y", "--epochs", 1)
    assert done.out.count("\n") < 85
    assert "and 88 more columns" in done.said
    assert "100 numbers; 20 left out" in done.said
    assert "14 more" in done.said
    assert "same_6" in done.said


def test_an_earlier_run_is_replaced_and_said_so(run: Run) -> None:
    before = Path("runs/flowers/model.misstep").read_bytes()
    done = run(*TRAIN, "--epochs", 1)
    assert done.code == 0
    assert "runs/flowers/model.misstep is of an earlier run; it stays until" in done.said
    assert Path("runs/flowers/model.misstep").read_bytes() != before


def test_resume_goes_on_where_a_run_was_left(run: Run) -> None:
    words = (*TRAIN, "--out", "r", "--json")
    first = run(*words, "--epochs", 2)
    assert first.json["epochs"] == 2
    done = run(*words, "--epochs", 5, "--resume")
    assert done.code == 0
    assert "going on where the run in r was left" in done.said
    assert done.json["epochs"] == 5
    assert "epoch 1/5" not in done.said


def test_resume_without_a_run_starts_anew(run: Run) -> None:
    done = run(*TRAIN, "--epochs", 2, "--out", "new", "--resume")
    assert done.code == 0
    assert "nothing to go on from in new" in done.said


def test_resume_refuses_another_training(run: Run) -> None:
    run(*TRAIN, "--epochs", 2, "--out", "r")
    before = Path("r/model.misstep").read_bytes()
    done = run(*TRAIN, "--epochs", 4, "--out", "r", "--resume", "--batch-size", 5)
    assert done.code == 2
    assert "batch size" in done.err
    assert Path("r/model.misstep").read_bytes() == before


def test_resume_refuses_other_rows_in_words(run: Run) -> None:
    run(*TRAIN, "--epochs", 2, "--out", "r")
    Path("flowers.csv").write_text(flowers(seed=5), encoding="utf-8")
    done = run(*TRAIN, "--epochs", 4, "--out", "r", "--resume")
    assert "needed the very rows that it learned from, but got rows that differ" in done.said
    assert not re.search("[0-9a-f]{30}", done.said)


def test_a_chosen_number_of_epochs_is_said_plainly(run: Run) -> None:
    said = {one["what"]: one for one in run(*TRAIN, "--epochs", 3, "--json").json["choices"]}
    assert said["epochs"]["choice"] == "3; the weights of the one with the best validation are kept"
    assert said["epochs"]["because"] == "you chose it"


@pytest.mark.parametrize("network", ["dense8-drop1.5", "dense0", "dense8-foo", "", "drop1"])
def test_a_network_that_can_not_be_is_refused_in_words(network: str, run: Run) -> None:
    done = run(*TRAIN, "--network", network)
    assert done.code == 2
    assert "ms." not in done.said


def test_a_loss_that_is_not_finite_is_said_and_keeps_the_earlier_model(run: Run) -> None:
    before = Path("runs/houses/model.misstep").read_bytes()
    words = ("train", "houses.csv", "--target", "price", "--learning-rate", "1e30")
    done = run(*words, "--json")
    assert done.code == 1
    assert "training failed" in done.err
    assert "finite" in done.err
    assert "stays as it was" in done.err
    assert "--learning-rate" in done.err
    assert "Traceback" not in done.said
    assert done.json["model"] is None
    assert Path("runs/houses/model.misstep").read_bytes() == before
    assert "no model was written" in " ".join(run(*words, "--out", "n").err.split())


def test_a_loss_that_is_not_finite_keeps_the_epochs_before(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(self: Loop, count: int) -> np.ndarray:
        return np.full(count, np.inf if self.epoch >= 2 else 0.01)

    monkeypatch.setattr(Loop, "_learning_rates", spoiled)
    done = run(*TRAIN, "--epochs", 20, "--out", "spoiled", "--json")
    assert done.code == 1
    assert "training failed after 2 epochs" in done.said
    assert "the model has the weights of epoch 2" in done.said
    assert "this network" in done.said
    assert (done.json["finished"], done.json["epochs"]) == (False, 2)
    assert load_model("spoiled/model.misstep").facts["epochs"] == 2
    assert run("predict", "spoiled/model.misstep", "flowers.csv").code == 0


def test_ctrl_c_keeps_the_best_weights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(self: LineProgress, epoch: int, values: dict[str, float]) -> None:
        if epoch == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(LineProgress, "epoch", press)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = run(*TRAIN, "--epochs", 50, "--out", "stopped", "--json")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.code == 130
    assert "interrupted with Ctrl-C" in done.said
    assert done.json["finished"] is False
    assert 3 <= done.json["epochs"] < 10
    assert load_model("stopped/model.misstep").facts["epochs"] == done.json["epochs"]


def test_ctrl_c_outside_of_training_is_one_word(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("misstep.cli.train_command.read_data", stop)
    done = run(*TRAIN)
    assert (done.code, done.out, done.err) == (130, "", "misstep: interrupted\n")


def test_images(run: Run) -> None:
    found = run("train", "bars", "--epochs", 5, "--json").json
    assert found["task"] == "classification"
    assert found["model"] == "runs/bars/model.misstep"
    again = run("train", "bars/train-images-idx3-ubyte", "--epochs", 5, "--json").json
    assert again["metrics"] == found["metrics"]
    assert again["model"] == "runs/bars/model.misstep"


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_examples(name: str, run: Run) -> None:
    done = run("train", name, "--epochs", 1, "--json")
    assert done.code == 0
    assert done.json["model"] == f"runs/{name}/model.misstep"
    assert load_model(done.json["model"]).facts["source"] == name


def test_the_folder_of_a_run_does_not_hide_an_example(run: Run) -> None:
    assert run("train", "iris", "--epochs", 1, "--out", "iris").code == 0
    assert run("train", "iris", "--epochs", 1, "--out", "iris").code == 0
    assert run("predict", "iris/model.misstep", "iris").code == 0
    Path("wine").write_text(flowers(), encoding="utf-8")
    assert run("train", "wine", "--target", "kind", "--epochs", 1).code == 0


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("digits", "runs/digits"),
        ("data/houses.csv", "runs/houses"),
        ("houses.v2.csv.gz", "runs/houses.v2"),
        ("../x/adult.TSV", "runs/adult"),
        (".csv", "runs/.csv"),
        ("table", "runs/table"),
        ("mnist/", "runs/mnist"),
        ("mnist/train-images-idx3-ubyte.gz", "runs/mnist"),
        ("table.csv.csv", "runs/table.csv"),
    ],
)
def test_a_run_is_named_after_its_source(source: str, folder: str) -> None:
    assert default_folder(source).as_posix() == folder


def test_a_run_in_this_very_folder_has_its_name(here: Path) -> None:
    assert default_folder(".") == Path("runs/here")
    assert default_folder("..").name == here.parent.name


def test_encodings_and_missing_cells_are_read(run: Run) -> None:
    text = flowers().replace("color", "colör").replace("red", "röd")
    lines = text.splitlines()
    lines[5] = ",,," + lines[5].split(",")[3]
    text = "\n".join([lines[0] + ",nothing", *(line + "," for line in lines[1:])])
    for name, encoding in (("u8", "utf-8-sig"), ("u16", "utf-16"), ("l1", "latin-1")):
        Path(f"{name}.csv").write_bytes(text.encode(encoding))
        done = run("train", f"{name}.csv", "--target", "kind", "--epochs", 1)
        assert done.code == 0, done.err
        assert "colör" in done.out
        assert "all 60 values are missing" in done.said


def test_an_unwanted_checkpoints_folder_is_not_removed(run: Run) -> None:
    Path("mine/checkpoints").mkdir(parents=True)
    Path("mine/checkpoints/epoch3.pt").write_bytes(b"years of work")
    done = run(*TRAIN, "--out", "mine")
    assert done.code == 2
    assert "epoch3.pt" in done.err
    assert Path("mine/checkpoints/epoch3.pt").read_bytes() == b"years of work"


def test_a_name_that_steers_a_terminal_is_written_out(run: Run) -> None:
    Path("odd.csv").write_text(flowers().replace("color", "c\x1b[31mr"), encoding="utf-8")
    done = run("train", "odd.csv", "--target", "kind", "--epochs", 1)
    assert "\x1b" not in done.out + done.err
    assert "c\\x1b[31mr" in done.out


def test_names_with_markup_are_left_alone(run: Run) -> None:
    text = flowers().replace("color", "[red]c[/red]").replace("width", ":smile:")
    Path("odd [b].csv").write_text(text, encoding="utf-8")
    done = run("train", "odd [b].csv", "--target", "kind", "--epochs", 1)
    assert "[red]c[/red]" in done.out
    assert ":smile:" in done.out
    assert "misstep predict 'runs/odd [b]/model.misstep' 'odd [b].csv'\n" in done.out


def test_images_of_one_class_only(run: Run) -> None:
    Path("dull").mkdir()
    Path("dull/train-images-idx3-ubyte").write_bytes(idx(np.zeros((20, 3, 3))))
    Path("dull/train-labels-idx1-ubyte").write_bytes(idx(np.zeros(20)))
    done = run("train", "dull")
    assert done.code == 2
    assert "two different" in done.err


def test_the_record_of_the_run_is_there(run: Run) -> None:
    run(*TRAIN, "--epochs", 2, "--out", "r")
    lines = Path("r/record.jsonl").read_text("utf-8").splitlines()
    assert all(json.loads(line) for line in lines)
    assert Path("r/checkpoints/manifest.json").is_file()


def test_options_without_a_source_are_an_error_that_lists_what_can_be_learned(run: Run) -> None:
    done = run("train", "--target", "x")
    assert done.code == 2
    assert done.out == ""
    for kind in ("a table", "a series", "texts", "images", "sequences", "an example"):
        assert f"\n  {kind} " in done.err
    assert run("train").code == 0


def test_all_choices_are_shown_when_asked_for(run: Run) -> None:
    names = [f"x{column}" for column in range(15)]
    rows = [
        ",".join([*(f"{row * column % 17 / 7}" for column in range(15)), f"{row % 2}"])
        for row in range(40)
    ]
    Path("many.csv").write_text("\n".join([",".join([*names, "y"]), *rows]), encoding="utf-8")
    few = run("train", "many.csv", "--target", "y", "--epochs", 1)
    assert "--all-choices shows" in few.said
    every = run("train", "many.csv", "--target", "y", "--epochs", 1, "--all-choices")
    assert "more column" not in every.said
    assert all(f" {name} " in every.said for name in names[1:])
