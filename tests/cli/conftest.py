"""A small world to work in: tables, images, and models trained on them; and a way to run main."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_world import Done, Run, flowers, houses, write_images

from misstep.cli import main

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test writes into a folder of its own: what a command leaves behind lies nowhere else."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, images and a model of each, made once."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "flowers.csv").write_text(flowers(), encoding="utf-8")
    (folder / "houses.csv").write_text(houses(), encoding="utf-8")
    write_images(folder / "bars")
    for source, *words in (
        ["flowers.csv", "--target", "kind"],
        ["houses.csv", "--target", "price"],
        ["bars"],
    ):
        out = folder / "runs" / source.removesuffix(".csv")
        arguments = ["train", str(folder / source), *words, "--epochs", "8", "--quiet"]
        assert main([*arguments, "--out", str(out)]) == 0
    return folder


@pytest.fixture
def world(
    own_folder: None, made_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the world to work in, which is then the working folder."""
    folder = tmp_path / "here"
    shutil.copytree(made_world, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def call(*words: object) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        caught = capsys.readouterr()
        return Done(code, caught.out, caught.err)

    return call


@pytest.fixture
def real() -> Path:
    """The folder of the real data sets."""
    if not REAL.is_dir():
        pytest.skip("the real data sets (shared/data beside the repository) are not there")
    return REAL
