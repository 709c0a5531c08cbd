"""Images on the command line: folders of classes, npz files, single files; training to CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_world import Run
from PIL import Image

RANDOM = np.random.default_rng(0)
pytestmark = pytest.mark.usefixtures("world")
QUICK = ("--network", "conv4-pool-dense8", "--epochs", 8, "--batch-size", 8, "--threads", 1)


def drawn(kind: str, side: int = 12) -> np.ndarray:
    """Return an image with a light stripe above for "sky", below for "sea"."""
    pixels = RANDOM.integers(0, 90, (side, side, 3)).astype("uint8")
    half = slice(0, side // 2) if kind == "sky" else slice(side // 2, side)
    pixels[half, :, 2] += 150
    return pixels


def write(folder: Path, count: int, side: int = 12) -> None:
    for kind in ("sea", "sky"):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(drawn(kind, side)).save(folder / kind / f"{number:02}.png")


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    write(folder / "train", 30)
    write(folder / "test", 6)
    return folder


def test_a_folder_is_learned_and_others_are_predicted_for(run: Run, views: Path) -> None:
    done = run("train", views, *QUICK, "--out", "here", "--augment", "flip-brightness")
    assert done.code == 0
    assert "72 images of 12 × 12 pixels, in color; 12 of them for the test" in done.said
    assert "augmentation flip-brightness" in " ".join(done.said.split())
    model = "here/model.misstep"

    write(Path("new"), 3, side=20)
    (Path("new") / "sky" / "00.png").write_bytes(b"broken")
    done = run("predict", model, "new", "--out", "new.csv")
    assert done.code == 0
    assert "1 image left out because they can't be read" in " ".join(done.said.split())
    assert "on 5 images" in done.said
    found = rows_of("new.csv")
    assert [one["file"] for one in found][:4] == [
        "sea/00.png",
        "sea/01.png",
        "sea/02.png",
        "sky/01.png",
    ]
    assert set(found[0]) == {
        "file",
        "prediction",
        "probability",
        "probability_sea",
        "probability_sky",
    }
    right = [one["file"].startswith(one["prediction"]) for one in found]
    assert np.mean(right) >= 0.8

    single = run("predict", model, "new/sea/01.png")
    assert single.out.splitlines()[1].split(",")[:2] == ["01.png", found[1]["prediction"]]
    assert run("predict", model, "new/sea/01.png", "--json").json["predictions"][0]["file"] == (
        "01.png"
    )
    explained = run("explain", model, "new", "--row", 2)
    assert explained.code == 0
    assert "Image 2, sea/01.png, of new" in explained.said
    assert "rows 1 to" in explained.said
    assert "region" in explained.said


def test_another_folder_may_be_the_test(run: Run, views: Path) -> None:
    write(Path("judges"), 4)
    done = run("train", views / "train", *QUICK, "--test", "judges", "--out", "here", "--json")
    assert done.code == 0
    assert "8 to be judged on" in str(done.json["choices"])
    # The same again, from the same seed; with other threads too.
    again = run(
        "train", views / "train", *QUICK[:-1], 2, "--test", "judges", "--out", "there", "--json"
    )
    assert again.json["metrics"] == done.json["metrics"]


@pytest.mark.parametrize("channels", [0, 3])
def test_arrays_in_a_file(run: Run, channels: int) -> None:
    kinds = ["sea", "sky"] * 30
    x = np.stack([drawn(kind) for kind in kinds])
    x = x if channels else x[..., 2]
    np.savez("views.npz", x=x, y=np.array(kinds))
    np.save("more.npy", x[:4])
    done = run("train", "views.npz", *QUICK, "--json")
    assert done.code == 0
    assert done.json["metrics"]["test"]["accuracy"] >= 0.7
    found = run("predict", done.json["model"], "more.npy").csv
    assert [one["row"] for one in found] == ["1", "2", "3", "4"]
    # What is told to be tried next is the file itself, not the folder that it lies in.
    assert f"misstep predict {done.json['model']} views.npz" in done.said
    scored = run("predict", done.json["model"], "views.npz")
    assert "on 60 images" in scored.said
    np.savez("other.npz", a=np.zeros(3))
    assert "images x (rows, height, width)" in run("train", "other.npz").err


def test_the_default_network_is_a_residual_one(run: Run, views: Path) -> None:
    done = run("train", views, "--epochs", 1, "--out", "here", "--json", "--threads", 1)
    said: dict[str, Any] = {one["what"]: one for one in done.json["choices"]}
    assert "residual network" in said["network"]["choice"]
    assert "multiply-adds an image" in said["network"]["because"]
    assert "mirrored" in said["augmentation"]["because"]
    assert "mirrored left to right" in run("summary", "here/model.misstep").said


def test_whoever_comes_back_to_a_run_of_prepared_rows_finds_them(run: Run, views: Path) -> None:
    """From a file as in memory: the same predictions and the same explanation."""
    quick = ("--network", "dense4", "--epochs", 1, "--threads", 1)
    assert run("train", views, *quick, "--out", "small", "--memory", "10kB").code == 0
    model, said = "small/model.misstep", []
    for memory in ((), ("--memory", "10kB")):
        done = run("predict", model, views, *memory)
        assert done.code == 0
        assert ("decoded into a file first" in done.said) is bool(memory)
        said.append((done.out, run("explain", model, views, "--row", 3, *memory).out))
    assert said[0] == said[1]
    for command in (("report", "small"), ("diagnose", "small", "--rows")):
        done = run(*command)
        # What is critical in a run as short as this one is no matter here.
        assert done.code in (0, 1)
        assert "Without its rows" not in done.said
