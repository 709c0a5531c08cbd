"""`misstep serve`: says its address, answers there, and ends in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

import misstep as ms
from misstep.cli import main


def test_it_serves_until_it_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "houses" / "model.misstep"
    path.parent.mkdir()
    rows = [[float(i), float(i % 3)] for i in range(30)]
    ms.Regressor(epochs=1).fit(rows, [row[0] for row in rows]).save(path)
    command = [sys.executable, "-m", "misstep", "serve", str(path), "--port", "0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        assert served.stderr is not None
        told = json.loads(served.stdout.readline())
        origin = f"http://127.0.0.1:{told['port']}"
        heads = {"content-type": "application/json"}
        data = json.dumps({"rows": [[1, 2], {"column_1": 1, "column_2": 2}]}).encode()
        asked = urllib.request.Request(f"{origin}/api/predict", data, heads)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            first, second = json.load(answer)["predictions"]
        assert first == second
        expected = ms.load_model(path).predict([[1.0, 2.0]])[0]
        assert first["prediction"] == pytest.approx(float(expected))
        served.send_signal(signal.SIGTERM)
        assert served.wait(30) == 0
        said = served.stderr.read()
    assert "houses, which predicts" in said
    assert "This machine alone" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--most-rows", "0"], "--most-rows: needed 1 or more"),
        (["--timeout", "0"], "--timeout: needed above 0"),
        (["--most-content", "much"], "--most-content: needed a size"),
        (["--port", "70000"], "needed 0 to 65535"),
    ],
)
def test_limits_that_can_not_be(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.misstep"
    ms.Regressor(epochs=1).fit([[1.0], [2.0], [3.0]] * 5, [1.0, 2.0, 3.0] * 5).save(path)
    assert main(["serve", str(path), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_token_that_is_too_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.misstep"
    ms.Regressor(epochs=1).fit([[1.0], [2.0], [3.0]] * 5, [1.0, 2.0, 3.0] * 5).save(path)
    monkeypatch.setitem(os.environ, "MISSTEP_TOKEN", "short")
    assert main(["serve", str(path), "--port", "0"]) == 2
    assert "MISSTEP_TOKEN: needed 16 or more" in capsys.readouterr().err
