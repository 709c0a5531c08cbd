"""Model files of each kind of data: loaded, shown, asked for predictions and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from misstep.errors import MisstepError
from misstep.modeling import save_model
from misstep.storage.container import parse_container
from tests.fuzz.mutations import BYTES
from tests.fuzz.structures import change_header, resign
from tests.fuzz.targets.small import PICTURES, SEEDED, STEPS, WAVE, X, Y, mixed_frame, text_frame
from tests.fuzz.targets.target import Target

KIND = "model"


class Models(Target):
    """What all model files have in common."""

    ending = ".misstep"
    mutations = (*BYTES, change_header, *(resign(KIND),) * 18)

    def fitted(self) -> list[Any]:
        """Return estimators that have learned."""
        raise NotImplementedError

    def rows(self) -> Any:
        """Return rows to predict for."""
        raise NotImplementedError

    def make(self) -> list[bytes]:
        contents = []
        for number, estimator in enumerate(self.fitted()):
            path = self.folder / f"{number}.misstep"
            estimator.save(path)
            contents.append(path.read_bytes())
        return contents

    def begin(self) -> None:
        self._rows = self.rows()

    def attempt(self, path: Path) -> None:
        model = ms.load_model(path)
        model.summary()
        repr(model)
        model.predict(self._rows)
        if self.sometimes(path, 8):
            str(model.explain(self._rows))
        if self.sometimes(path, 4):
            # What was loaded can be written, and is the same then.
            again = path.parent / "again.misstep"
            save_model(model, again)
            ms.load_model(again)

    def is_open(self, content: bytes) -> bool:
        try:
            parse_container(content, "tried", kind=KIND, newest=1)
        except MisstepError:
            return False
        return True


class NumberModels(Models):
    name = "model-numbers"

    def fitted(self) -> list[Any]:
        return [
            ms.Classifier(network="dense4", **SEEDED).fit(X, Y),
            ms.Classifier(network="dense4-bn", **SEEDED).fit(X, np.arange(24) % 3),
            ms.Regressor(network="dense4-drop0.5", **SEEDED).fit(X, X[:, 1]),
        ]

    def rows(self) -> Any:
        return X[:2]


class MixedModels(Models):
    name = "model-mixed"

    def fitted(self) -> list[Any]:
        return [
            ms.Classifier(**SEEDED).fit(mixed_frame(), Y),
            ms.Regressor(**SEEDED).fit(mixed_frame(), X[:, 1]),
        ]

    def rows(self) -> Any:
        return mixed_frame()[:2]


class TextModels(Models):
    name = "model-text"

    def fitted(self) -> list[Any]:
        return [ms.Classifier(**SEEDED).fit(text_frame(), Y)]

    def rows(self) -> Any:
        return text_frame()[:2]


class PictureModels(Models):
    name = "model-picture"

    def fitted(self) -> list[Any]:
        return [
            ms.Classifier(network="conv2-pool-gap", **SEEDED).fit(PICTURES, np.arange(16) % 2),
            ms.Classifier(network="dense4", **SEEDED).fit(PICTURES, np.arange(16) % 2),
        ]

    def rows(self) -> Any:
        return PICTURES[:2]


class SequenceModels(Models):
    name = "model-sequence"

    def fitted(self) -> list[Any]:
        return [
            ms.Classifier(network=network, **SEEDED).fit(STEPS, np.arange(16) % 2)
            for network in ("lstm2", "gru2")
        ]

    def rows(self) -> Any:
        return STEPS[:2]


class SeriesModels(Models):
    name = "model-series"

    def fitted(self) -> list[Any]:
        import pandas

        days = pandas.date_range("2024-01-01", periods=60, freq="D")
        frame = pandas.DataFrame({"day": days, "value": WAVE, "other": WAVE[::-1]})
        return [
            ms.Forecaster(horizon=2, **SEEDED).fit(WAVE),
            ms.Forecaster(horizon=1, **SEEDED).fit(frame, "value"),
        ]

    def rows(self) -> Any:
        import pandas

        days = pandas.date_range("2024-01-01", periods=40, freq="D")
        return pandas.DataFrame({"day": days, "value": WAVE[:40], "other": WAVE[:40]})

    def attempt(self, path: Path) -> None:
        model = ms.load_model(path)
        model.summary()
        repr(model)
        self._forecast(model)
        if self.sometimes(path, 4):
            str(model.explain())
        if self.sometimes(path, 4):
            again = path.parent / "again.misstep"
            save_model(model, again)
            ms.load_model(again)

    def _forecast(self, model: Any) -> None:
        if hasattr(model, "forecast"):
            model.forecast()
            model.predict(self._rows)
        else:
            model.predict(X[:2])
