"""`unscaled-inputs`: numbers far from 1 go into a network that has no normalization in front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import (
    first_weights,
    for_place,
    has_columns,
    inputs_met,
    is_normalized,
    is_picture,
    place_of,
    rescaled_by_feature,
    size_of,
)
from misstep.doctor.success import Success, best_explained, left_over, still_falling, success
from misstep.record import FeatureSummary, InputSummary, LayerDescription, Role
from misstep.text.figures import figure, percent, three_figures

# Initializers scale weights so that inputs of size 1 (root of the mean square) give activations of
# size 1 (Glorot and Bengio, 2010; He and others, 2015); so many times as large, and sums reach
# where a tanh or a sigmoid is flat. UMLAUT warns beyond [-1, 1], which standardized inputs leave.
LARGE = 5.0
# One column of that size among others of size 1.
LARGE_COLUMN = 10.0
# Entries that are all so near to 0 leave a network little but its biases, as when pixels from 0 to
# 1 are divided by 255 once more, down to 0.004.
TINY = 0.05
# So small is little, and harms where nothing was learned, or where the loss still fell.
SMALL = 0.3
# Columns that lie so many of their deviations from 0, and so far in size, are a bias each.
OFF_CENTER, LARGE_OFFSET = 2.5, 2.5
# A column whose deviation is so many times that of the middle one outweighs all the others.
DOMINATING = 100.0
# Beyond this size, inputs are to blame whatever the learning rate is.
HUGE = 100.0
# Rates that diverge on standardized inputs as well: beyond 2 ÷ curvature, which is about 1 there
# for plain gradients; and of Adam and its like, each of whose updates moves weights by the rate.
ABSURD_PLAIN_RATE, ABSURD_ADAPTIVE_RATE = 2.0, 0.3
# Of a bounded activation in front, so many outputs at the bounds.
SATURATED = 0.5
# Where something was learned, inputs must stick out so far, or show by what they did.
LARGE_FOR_SOME = 20.0
START_TIMES_CHANCE = 3.0
# Where most was learned, the harm is what is left of the loss beyond this share, if the first loss
# was so many times that of a guess.
LEFT, START_TIMES_CHANCE_FOR_MOST = 0.1, 5.0
# Largest value of a pixel, by which images are told.
PIXEL = 255.0

_DIGITS = """
random = np.random.default_rng(0)
y = np.arange(300) % 3
shapes = random.integers(2, size=(3, 36))
x = np.clip(255 * shapes[y] + random.normal(0, 200, size=(300, 36)), 0, 255)
"""
_PEOPLE = """
random = np.random.default_rng(0)
age = random.normal(40, 10, size=400)
income = random.normal(52000, 15000, size=400)
y = ((age - 40) / 10 + (income - 52000) / 15000 > 0).astype(int)
"""


@dataclass(frozen=True)
class _Scale:
    """How large inputs are: `size` of what sticks out, and `column` where it is one alone."""

    size: float
    column: FeatureSummary | None = None
    dominating: float = 0.0
    off_center: float = 0.0


class UnscaledInputs(Rule):
    """Inputs far from the scale for which weights are drawn."""

    slug = "unscaled-inputs"
    title = "Inputs of a scale that the network can't take"
    explanation = (
        "Weights are drawn for inputs of about size 1. Inputs many times as large push the first "
        "activations to where they are flat, or units to where they are always off or always on, "
        "and make gradients of the first layer so large that a learning rate that suits all other "
        "layers is too high for it. A column many times larger than the others hides them. Inputs "
        "all near 0 leave the network little but its biases. It is no harm where a normalization "
        "comes first, or where the network learns well all the same."
    )
    leads_to = frozenset(
        {
            "saturated-units",
            "dead-units",
            "vanishing-gradients",
            "exploding-gradients",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "diverging",
            "slow-learning",
            "not-a-number",
            "constant-prediction",
            "bad-initialization",
            "underfitting",
            "too-few-epochs",
            "wrong-optimizer",
        }
    )
    sick = (
        Example(
            "pixels from 0 to 255 into sigmoid units",
            f"""{_DIGITS}
network = ms.Sequential(ms.Dense(16), ms.Sigmoid(), ms.Dense(16), ms.Sigmoid(), ms.Dense(3))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1))
run = trainer.fit(x, y, epochs=6)
""".strip(),
        ),
        Example(
            "incomes beside ages",
            f"""{_PEOPLE}
x = np.column_stack([age, income])
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.001))
run = trainer.fit(x, y, epochs=20)
""".strip(),
        ),
        Example(
            "a year and a size, and the loss is no number any more",
            """
random = np.random.default_rng(0)
x = np.column_stack([random.integers(1950, 2020, 300), random.normal(120, 40, 300)])
y = 0.01 * (x[:, :1] - 1985) + 0.02 * (x[:, 1:] - 120) + 0.1 * random.normal(size=(300, 1))
trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.01))
run = trainer.fit(x, y, epochs=10)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "the same columns, standardized",
            f"""{_PEOPLE}
x = np.column_stack([(age - 40) / 10, (income - 52000) / 15000])
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "the same columns behind a normalization",
            f"""{_PEOPLE}
x = np.column_stack([age, income])
network = ms.Sequential(ms.BatchNorm(), ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
        Example(
            "the same columns, each rescaled by the first layer",
            f"""{_PEOPLE}
x = np.column_stack([age, income])
scale = 1 / x.std(axis=0)
first = ms.nn.Rescaling(scale, -x.mean(axis=0) * scale)
network = ms.Sequential(first, ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=40)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where inputs stick out and the network learned little."""
        inputs = inputs_met(evidence.description)
        if inputs is None or inputs.whole is None:
            raise CannotTellError("the record does not say what went into the network")
        if inputs.kind != "numbers" or is_normalized(evidence.layers):
            return
        if rescaled_by_feature(evidence.layers):
            return
        scale = _scale_of(inputs, by_column=has_columns(evidence.description))
        if scale is None:
            return
        reached = success(evidence)
        if self._rate_explains(evidence, reached, scale.size):
            return
        facts = self._facts(evidence, inputs, scale)
        if reached is Success.SOME and not self._shows(evidence, scale, facts):
            return
        if reached is Success.WELL and not self._costs(evidence, scale):
            return
        far = abs(math.log10(max(scale.size, 1e-12))) + math.log10(max(scale.dominating, 1.0)) / 2
        confidence = min(0.95, 0.45 + 0.15 * far + (0.1 if reached is not Success.SOME else 0.0))
        bad = reached in (Success.FAILED, Success.NOTHING)
        yield self.finding(Severity.CRITICAL if bad else Severity.WARNING, confidence, **facts)

    @staticmethod
    def _rate_explains(evidence: Evidence, reached: Success, size: float) -> bool:
        """Return whether a rate that is too high anywhere explains that nothing was learned."""
        optimizer = evidence.description.optimizer
        plain = optimizer.kind.lower().startswith("sgd")
        absurd = ABSURD_PLAIN_RATE if plain else ABSURD_ADAPTIVE_RATE
        harmed = reached in (Success.FAILED, Success.NOTHING)
        return harmed and optimizer.learning_rate > absurd and size < HUGE

    @staticmethod
    def _costs(evidence: Evidence, scale: _Scale) -> bool:
        """Return whether weights had so far to come back that not all was learned."""
        times = evidence.start_loss / evidence.chance_loss if evidence.chance_loss > 0 else 1.0
        large = scale.size >= LARGE and times >= START_TIMES_CHANCE_FOR_MOST
        slow = scale.size < TINY and still_falling(evidence)
        return (large or slow) and left_over(evidence) > LEFT

    @staticmethod
    def _shows(evidence: Evidence, scale: _Scale, facts: Mapping[str, Any]) -> bool:
        """Return whether inputs stick out so far, or did so much, that something was lost."""
        start = facts.get("start_loss", 0.0) > START_TIMES_CHANCE * facts.get("chance_loss", 1.0)
        far = scale.size >= LARGE_FOR_SOME or scale.dominating > 0 or scale.off_center > 0
        if scale.size < SMALL:
            return scale.size < TINY or still_falling(evidence)
        return far or start or "saturated_share" in facts

    @staticmethod
    def _facts(evidence: Evidence, inputs: InputSummary, scale: _Scale) -> dict[str, Any]:
        whole = inputs.whole
        assert whole is not None
        shown = scale.column or whole
        facts: dict[str, Any] = {
            "smallest": shown.smallest,
            "largest": shown.largest,
            "mean": shown.mean,
            "deviation": shown.deviation,
            "size": scale.size,
            "written_in": place_of(evidence.description),
            "is_image": is_picture(evidence.description)
            or (whole.smallest >= 0 and 100 < whole.largest <= PIXEL and inputs.columns >= 16),
        }
        if scale.column is not None:
            facts["column"] = scale.column.name
            facts["axis"] = inputs.axis
        if scale.off_center:
            facts["off_center"] = scale.off_center
        if scale.dominating:
            facts["times_the_others"] = scale.dominating
        first = first_weights(evidence.layers)
        if first is not None:
            facts["layer"] = first.path or first.kind
        front = _first_bounded(evidence.layers)
        saturated = math.nan if front is None else evidence.first("saturated_share", front.path)
        if front is not None and saturated >= SATURATED:
            facts |= {"saturated_layer": front.path, "saturated_share": saturated}
        if evidence.updates:
            explained = best_explained(evidence)
            if math.isfinite(explained) and not evidence.failed:
                facts["explained"] = explained
            facts["failed"] = evidence.failed
        start, chance = evidence.start_loss, evidence.chance_loss
        if math.isfinite(start) and chance > 0:
            facts |= {"start_loss": start, "chance_loss": chance}
        return facts

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how large inputs are, and what that does."""
        span = f"from {three_figures(facts['smallest'])} to {three_figures(facts['largest'])}"
        if "column" in facts:
            said = f"Input {facts['axis']} {facts['column']} goes {span}"
            if "times_the_others" in facts:
                times = three_figures(facts["times_the_others"])
                said += f", and varies {times} times as much as the others"
        elif "off_center" in facts:
            said = (
                f"The inputs go {span}, around {three_figures(facts['mean'])}; columns lie "
                f"about {three_figures(facts['off_center'])} of their deviations from 0"
            )
        elif facts["size"] < 1:
            said = f"All inputs lie near 0, {_fine_span(facts)}"
        else:
            said = f"The inputs go {span}, with a mean of {three_figures(facts['mean'])}"
        said += (
            ", and no normalization comes first"
            if "layer" not in facts
            else f", into {facts['layer']}, whose weights are drawn for inputs of about size 1"
        )
        if "saturated_share" in facts:
            said += (
                f"; {percent(facts['saturated_share'])} of the outputs of "
                f"{facts['saturated_layer']} were at its bounds before the first update"
            )
        return f"{said}; {_harm(facts)}." if _harm(facts) else f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return how to bring the inputs to size 1."""
        if facts["size"] < 1:
            times = three_figures(1.0 / max(facts["deviation"], 1e-12))
            return (
                "Were the inputs divided twice? Bring each column to mean 0 and deviation 1: "
                f"x = (x - mean) / deviation, which makes these about {times} times as large."
            )
        if facts["is_image"] and facts["largest"] <= PIXEL:
            return "Divide the pixels: x = x / 255, in training and in prediction alike."
        mean, deviation = figure(round(facts["mean"], 4)), figure(round(facts["deviation"], 4))
        own = (
            f", {facts['axis']} {facts['column']} by ({mean}, {deviation})"
            if "column" in facts and facts["deviation"] > 0
            else ""
        )
        layer = for_place(
            facts,
            misstep="ms.BatchNorm()",
            torch="torch.nn.LazyBatchNorm1d()",
            keras="keras.layers.BatchNormalization()",
        )
        return (
            "Standardize each column by the training rows: x = (x - x_train.mean(axis=0)) / "
            f"x_train.std(axis=0){own}; or let {layer} be the first layer."
        )


def _first_bounded(layers: list[LayerDescription]) -> LayerDescription | None:
    """Return the activation behind the first weights if it is bounded on both sides."""
    for layer in layers:
        if layer.role is Role.ACTIVATION:
            return layer if layer.bounds is not None else None
    return None


def _scale_of(inputs: InputSummary, *, by_column: bool) -> _Scale | None:
    """Return what sticks out of the inputs, None where nothing does.

    `by_column`: whether numbers of a row are columns, which may be of different scales; or channels
    that the summary tells apart. Pixels and steps are not.
    """
    whole = inputs.whole
    assert whole is not None
    if max(abs(whole.smallest), abs(whole.largest)) < SMALL and whole.deviation > 0:
        return _Scale(size_of(whole))
    varied = [one for one in inputs.features if not one.constant and one.deviation > 0]
    deviations = np.array([one.deviation for one in varied])
    largest = max(varied, key=size_of, default=None)
    if largest is not None and len(varied) > 1 and (by_column or inputs.axis == "channel"):
        widest = varied[int(deviations.argmax())]
        others = float(np.median(np.delete(deviations, deviations.argmax())))
        ratio = widest.deviation / others
        if ratio >= DOMINATING:
            return _Scale(size_of(widest), widest, ratio)
        ordinary = float(np.median([size_of(one) for one in varied]))
        if size_of(largest) >= LARGE_COLUMN and size_of(largest) > 3 * ordinary:
            return _Scale(size_of(largest), largest)
    size = size_of(whole)
    if varied and len(varied) == inputs.columns:
        size = float(np.sqrt(np.mean([size_of(one) ** 2 for one in varied])))
    if size >= LARGE and (largest is not None or whole.deviation > 0):
        return _Scale(size, largest if len(inputs.features) == 1 else None)
    if varied:
        off_center = float(np.median([abs(one.mean) / one.deviation for one in varied]))
        if off_center >= OFF_CENTER and size >= LARGE_OFFSET:
            return _Scale(size, off_center=off_center)
    return None


def _fine_span(facts: Mapping[str, Any]) -> str:
    return f"from {figure(facts['smallest'])} to {figure(facts['largest'])}"


def _harm(facts: Mapping[str, Any]) -> str:
    if facts.get("failed"):
        return "the loss is no finite number any more"
    if "explained" in facts:
        explained = facts["explained"]
        if explained < 0.01:
            return "training got no better than a constant guess"
        return f"training took away {percent(explained)} of the loss of a constant guess"
    if facts.get("start_loss", 0.0) > 2 * facts.get("chance_loss", math.inf):
        return (
            f"the loss starts at {three_figures(facts['start_loss'])}, where a constant guess "
            f"would cost {three_figures(facts['chance_loss'])}"
        )
    return ""
