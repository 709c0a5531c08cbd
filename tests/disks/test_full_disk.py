"""Disks that are full, read-only or broken at each operation: nothing lost, and words, no fault.

Here one of several combinations is tried, each position at least once over all of them; all of them
by `python -m tests.disks`. On real disks of a few kilobytes, too, so that what is made here to fail
is no fiction.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import misstep as ms
from misstep.storage import load_latest_checkpoint
from tests.disks import commands
from tests.disks.failing import FAULTS, FailingDisk
from tests.disks.operations import watched
from tests.disks.scenarios import (
    NOW,
    Anew,
    Model,
    Over,
    OverOther,
    PreparedAnew,
    Resume,
    Scenario,
    Settling,
    bits,
    fit,
    trainer,
)
from tests.disks.sweep import Sweep, fast_place

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="which file is open by a number, only /proc tells"
)

# One of so many combinations of position, kind of fault, and whether it lasts, is tried: no divisor
# of the ten kinds, so that each meets each position of a neighbor.
FEW = {
    Anew: 29,
    Over: 23,
    OverOther: 37,
    Resume: 19,
    Model: 7,
    PreparedAnew: 19,
    Settling: 7,
    commands.TrainOver: 61,
}


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="misstep-disks-", dir=fast_place()) as folder:
        yield Path(folder)


@pytest.mark.parametrize("scenario", FEW, ids=lambda each: each.name)
def test_nothing_is_lost_wherever_a_disk_fails(scenario: type[Scenario], place: Path) -> None:
    sweep = Sweep(scenario(), place)
    sweep.run(FEW[scenario])
    assert sweep.tries > 5
    assert sweep.wrong == []


def test_what_is_wrong_would_be_noticed(place: Path) -> None:
    class Careless(Model):
        def act(self, folder: Path) -> None:
            self.models()[1].save(folder / "new.misstep")
            (folder / "model.misstep").write_bytes((folder / "new.misstep").read_bytes())

    sweep = Sweep(Careless(), place)
    sweep.run(3)
    words = " ".join(sweep.wrong)
    assert "a foreign exception: OSError" in words


def test_a_model_without_room_is_kept_elsewhere(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scenario = commands.Train()
    scenario.prepare(place)
    full = FailingDisk(FAULTS[0], 30, lasting=True)
    with watched(place, full):
        code, _, said = scenario.act(place)
    assert code == 2
    [kept] = tmp_path.glob("misstep-*/model.misstep")
    assert f"it is whole, in {kept}" in said
    assert ms.load_model(kept).facts["metrics"]


def on_a_small_disk(folder: Path, size: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`/small, a disk of so many kilobytes; it leaves all in left/."""
    shell = (
        f"mkdir -p small elsewhere && mount -t tmpfs -o size={size}k tmpfs small || exit 99; "
        'cp flowers.csv small && cd small && "$@"; code=$?; cp -r . ../left; exit $code'
    )
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", shell, "-", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(folder / "elsewhere")},
    )


def test_a_real_disk_that_is_full(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there are no disks of one's own here")
    (tmp_path / "flowers.csv").write_text(commands.flowers())
    train = [sys.executable, "-m", "misstep", *commands.Train.words, "--quiet"]
    done = on_a_small_disk(tmp_path, 12, *train)
    if done.returncode in (1, 99):
        pytest.skip(f"no disk can be mounted here: {done.stderr}")
    assert done.returncode == 2
    [told] = [line for line in done.stderr.splitlines() if line.startswith("misstep: ")]
    assert told.startswith("misstep: writing run/model.misstep: needed space on the disk")
    assert done.stderr.strip() == told
    [kept] = (tmp_path / "elsewhere").glob("misstep-*/model.misstep")
    assert told.endswith(f"it is whole, in {kept}.")
    assert ms.load_model(kept).facts["metrics"]
    assert not list((tmp_path / "left").rglob(".*"))


def test_a_trainer_on_a_full_disk_has_its_weights(place: Path) -> None:
    whole = trainer()
    fit(whole, None, NOW)
    one = trainer()
    with watched(place, FailingDisk(FAULTS[0], 40, lasting=True)):
        run = fit(one, place / "run", NOW)
    assert run.finished
    assert len(run.notes) == 2
    assert bits(one) == bits(whole)
    latest = load_latest_checkpoint(place / "run/checkpoints")
    assert latest is not None
    # Going on where it was left, with a disk that is well.
    later = trainer()
    fit(later, place / "run", NOW, resume=True)
    assert bits(later) == bits(whole)
