"""Training on rows that lie in a file as bytes: the same bits as on floats in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import misstep as ms
from misstep.storage import MappedRows, Scale, mapped, mapped_rows
from misstep.train import stepping

ROWS, SIDES = 90, (6, 5)


def stored(folder: Path, dtype: str) -> np.ndarray:
    most = 256 if dtype == "uint8" else 65536
    pixels = np.random.default_rng(3).integers(0, most, (ROWS, *SIDES)).astype(dtype)
    np.save(folder / "rows.npy", pixels)
    return np.load(folder / "rows.npy", mmap_mode="r")


def weights_after(x: object, y: np.ndarray, **settings: object) -> tuple[np.ndarray, list[float]]:
    more = {key: settings.pop(key) for key in ("sample_weight", "validation") if key in settings}
    network = ms.Sequential(ms.Dense(9), ms.ReLU(), ms.Dense(3))
    trainer = ms.Trainer(
        network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01), batch_size=16, seed=4, **settings
    )
    run = trainer.fit(x, y, epochs=3, **more)
    return trainer.network.parameters.copy(), run.losses


@pytest.mark.parametrize(
    ("dtype", "settings"),
    [
        ("uint8", {"threads": 1}),
        ("uint16", {"threads": 2}),
        ("uint8", {"accumulate": 2}),
        ("uint16", {"compiling": False}),
        ("float32", {"sample_weight": np.linspace(0.5, 2.0, 60)}),
    ],
)
def test_bytes_train_as_floats_do(tmp_path: Path, dtype: str, settings: dict[str, object]) -> None:
    pixels = stored(tmp_path, dtype)
    order = np.random.default_rng(1).permutation(ROWS)
    low = 0.0 if dtype == "uint8" else 900.0
    scale = Scale(low, 200.0 if dtype == "uint8" else 40000.0, 0.0, 1.0)
    y = np.arange(ROWS) % 3
    learned, judged = order[:60], order[60:]
    whole = MappedRows(pixels).scaled(scale)
    floats = scale.apply(np.asarray(pixels)).reshape(ROWS, -1)
    assert (np.asarray(whole) == floats).all()
    in_file = weights_after(
        whole.take(learned),
        y[learned],
        validation=(whole.take(judged), y[judged]),
        **dict(settings),
    )
    plain = weights_after(
        floats[learned], y[learned], validation=(floats[judged], y[judged]), **dict(settings)
    )
    assert in_file[0].tobytes() == plain[0].tobytes()
    assert in_file[1] == plain[1]


def test_mapped_rows_behave_as_arrays(tmp_path: Path) -> None:
    rows = MappedRows(stored(tmp_path, "uint8"), np.array([4, 0, 9, 4])).scaled(Scale(0.0, 255.0))
    plain = np.asarray(rows)
    assert (rows.shape, rows.ndim, rows.size, rows.dtype) == ((4, 30), 2, 120, np.float32)
    assert (rows[1:3][np.array([1, 0])] == plain[[2, 1]]).all()
    assert (rows[np.array([True, False, False, True])] == plain[[0, 3]]).all()
    assert (rows[2] == plain[2]).all()
    assert (rows[np.array([-1, 0])] == plain[[-1, 0]]).all()
    for beyond in (np.array([4]), np.array([-5]), np.array([True])):
        with pytest.raises(IndexError):
            rows[beyond]
    assert (rows[:, ::7] == plain[:, ::7]).all()
    assert (rows[:, [3]] == plain[:, [3]]).all()
    assert (rows.min(axis=0) == plain.min(axis=0)).all()
    assert rows.max() == plain.max()
    assert (rows.reshape(4, -1)[np.array([3])] == plain[3:]).all()
    assert rows.reshape(-1, 6, 5, 1).shape == (4, 6, 5, 1)
    assert (np.stack(list(rows)) == plain).all()


def test_rows_beyond_memory_are_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, y = stored(tmp_path, "uint8"), np.arange(ROWS) % 3
    plain = weights_after(MappedRows(pixels).scaled(Scale(0.0, 255.0)), y)
    asked: list[int] = []
    really = mapped.expect_rows
    monkeypatch.setattr(mapped, "available_memory", lambda: 100)
    for room in (stepping, mapped_rows):
        monkeypatch.setattr(
            room, "expect_rows", lambda x, rows: (asked.append(len(rows)), really(x, rows))
        )
    beyond = MappedRows(pixels[5:], np.arange(ROWS - 6)).scaled(Scale(0.0, 255.0))
    weights_after(beyond, y[5:-1])
    assert sum(asked) >= 3 * (ROWS - 6)
    again = weights_after(MappedRows(pixels).scaled(Scale(0.0, 255.0)), y)
    assert again[0].tobytes() == plain[0].tobytes()
