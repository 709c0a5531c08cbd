"""`wrong-output`: a last activation, a width or a loss that don't fit each other or the answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.harm import HALF_LEARNED, WELL_LEARNED, learned, least_learned, severity_of
from misstep.doctor.output_reach import binary_floor, classes_floor, probability, reach
from misstep.doctor.passage import last_layer
from misstep.doctor.rule import Example, Rule
from misstep.doctor.spelling import dense, spelled
from misstep.record import AnswerSummary, LayerDescription, Task
from misstep.text.figures import figure, percent, three_figures

# The loss of PyTorch that wants a LogSoftmax before it.
TAKES_LOGARITHMS = "NLLLoss"
# A loss of classes that can't fall below this share of chance keeps the network from ever being
# sure: of two classes behind a softmax too many it is 45 %, of ten 63 %.
FLOOR_SHARE = 0.2
# Numbers beyond the reach of an output harm from this share of their standard deviation on; a
# sigmoid still fits answers that end at 1.05.
BEYOND = 0.25
# Where a bounded output took away so much of the chance loss, what it can't reach is rare.
REACHED = 0.97
# Where the last activation is not known: probabilities of one half or more in so many looks, of
# answers of which so many are 0, are none by accident.
LEAST_LOOKS = 3
LEAST_ZEROS = 0.2
# Outputs that nobody needs: so many times as many as classes that occur.
OUTPUTS_TOO_MANY = 3
# Different whole numbers that people use as names of classes, from 0 or 1 on without a gap.
MOST_LABELS = 10
# Classes of which there are at most so many times as many as of the rarest.
ALIKE = 2.0

_RING = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
inside = (np.hypot(x[:, 0], x[:, 1]) < 1.18).astype(int)
"""


class WrongOutput(Rule):
    """What the network gives does not fit what the loss takes, or can't reach the answers."""

    slug = "wrong-output"
    title = "Outputs that don't fit the loss or the answers"
    explanation = (
        "A loss and the last activation belong together. Losses of classes that take raw outputs "
        "hold a softmax or a sigmoid already: with another one in front, probabilities can't come "
        "near 0 and 1, so the loss has a floor and gradients are faint. A softmax over one unit is "
        "always 1. A ReLU gives no negative number and a sigmoid none beyond 1, whatever the "
        "answers are. And a squared error of names of classes treats class 9 as far from class 1."
    )
    leads_to = frozenset(
        {
            "constant-prediction",
            "slow-learning",
            "too-few-epochs",
            "underfitting",
            "vanishing-gradients",
            "dead-units",
            "saturated-units",
            "learning-rate-too-low",
            "learning-rate-too-high",
            "parameters-not-learning",
            "class-imbalance",
            "wrong-optimizer",
            "unscaled-target",
        }
    )
    sick = (
        Example(
            "a sigmoid in front of a loss that holds one",
            f"""{_RING}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1), ms.Sigmoid())
trainer = ms.Trainer(network, loss=ms.BinaryCrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, inside[:, None], epochs=60)
""".strip(),
        ),
        Example(
            "a softmax in front of a loss that holds one",
            f"""{_RING}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2), ms.nn.Softmax())
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, inside, epochs=40)
""".strip(),
        ),
        Example(
            "a softmax over one unit",
            f"""{_RING}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1), ms.nn.Softmax())
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, inside[:, None], epochs=20)
""".strip(),
        ),
        Example(
            "a ReLU before answers that go below 0",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = x[:, :1] - 2 * x[:, 1:2]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(1), ms.ReLU())
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=60)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "a sigmoid and a squared error on 0 and 1, which learn",
            f"""{_RING}
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1), ms.Sigmoid())
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.03))
run = trainer.fit(x, inside[:, None], epochs=60)
""".strip(),
        ),
        Example(
            "a softplus before answers above 0",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = np.log1p(np.exp(x[:, :1] - x[:, 1:2]))
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1), ms.nn.Softplus())
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=80)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        description = evidence.description
        layer = last_layer(description)
        width = description.output_shape[-1] if description.output_shape else 1
        if layer is not None and layer.kind.lower() == "softmax" and width == 1:
            yield self._found(evidence, "lone softmax", layer, Severity.CRITICAL, 0.97)
            return
        if description.loss.task is Task.NUMBERS:
            yield from self._numbers(evidence, layer)
        else:
            yield from self._classes(evidence, layer)

    # --- classes --------------------------------------------------------------------------------

    def _classes(self, evidence: Evidence, layer: LayerDescription | None) -> Iterator[Finding]:
        loss, answers = evidence.description.loss, evidence.description.answers
        spoke = False
        if layer is not None and loss.kind == TAKES_LOGARITHMS:
            if layer.kind != "LogSoftmax":
                yield self._found(evidence, "no logarithms", layer, Severity.CRITICAL, 0.95)
                spoke = True
        elif layer is not None and loss.takes == "logits":
            found = self._cut_logits(evidence, layer)
            spoke = found is not None
            if found is not None:
                yield found
        elif layer is not None and loss.takes == "probabilities":
            low, high = reach(layer)
            if low < 0.0 or high > 1.0:
                severity = _unless_learned(evidence, Severity.CRITICAL)
                yield self._found(evidence, "no probabilities", layer, severity, 0.9)
                spoke = True
        elif layer is None and evidence.updates:
            found = self._unseen_never_no(evidence)
            spoke = found is not None
            if found is not None:
                yield found
        if not spoke and answers is not None:
            yield from self._width(evidence, answers)

    def _cut_logits(self, evidence: Evidence, layer: LayerDescription) -> Finding | None:
        """Return what an activation does in front of a loss that takes any number."""
        low, high = reach(layer)
        if layer.kind.lower() == "logsoftmax" or (low == -math.inf and high == math.inf):
            return None
        description, answers = evidence.description, evidence.description.answers
        width = description.output_shape[-1] if description.output_shape else 1
        if description.loss.task is Task.BINARY:
            total = sum(answers.counts[:2]) if answers else 0
            share = answers.counts[1] / total if answers and total else 0.5
            floor = binary_floor(low, high, share)
            chance = evidence.chance_loss
            facts = {"least": probability(low), "most": probability(high), "floor": floor}
            if low >= 0.0 and share < 1.0:
                # Right answers may come all the same, of ties; sure ones never do.
                harmed = not evidence.updates or least_learned(evidence) < HALF_LEARNED
                severity = Severity.CRITICAL if harmed else Severity.WARNING
                return self._found(evidence, "never no", layer, severity, 0.97, **facts)
        else:
            floor = classes_floor(low, high, width)
            chance = evidence.chance_loss if evidence.chance_loss > 0 else math.log(max(width, 2))
            most = 1.0 / (1.0 + (width - 1) * math.exp(low - high))
            facts = {"least": 0.0, "most": most, "floor": floor}
        if floor > FLOOR_SHARE * chance:
            share_learned = _known(evidence)
            severity = Severity.CRITICAL if share_learned < HALF_LEARNED else Severity.WARNING
            return self._found(evidence, "floor", layer, severity, 0.95, **facts)
        if low > -2.0 and high == math.inf:
            severity = _unless_learned(evidence, Severity.WARNING)
            return self._found(evidence, "cut logits", layer, severity, 0.8, lowest=low)
        return None

    def _unseen_never_no(self, evidence: Evidence) -> Finding | None:
        """Return what probabilities tell that never were below one half."""
        answers, loss = evidence.description.answers, evidence.description.loss
        steps, lows = evidence.series("output_smallest", "")
        if loss.task is not Task.BINARY or loss.takes != "logits" or len(steps) < LEAST_LOOKS:
            return None
        if evidence.description.framework != "misstep" or answers is None:
            return None  # what others call the prediction may be the raw output
        zeros = answers.counts[0] / max(sum(answers.counts[:2]), 1)
        if lows.min() < 0.5 or zeros < LEAST_ZEROS or _known(evidence) >= WELL_LEARNED:
            return None
        return self.finding(
            Severity.CRITICAL,
            0.85,
            fault="never no",
            layer="",
            activation="sigmoid or ReLU",
            loss=loss.kind,
            least=0.5,
            floor=binary_floor(0.0, math.inf, 1.0 - zeros),
            better=spelled(evidence.description, "binary_cross_entropy"),
        )

    def _width(self, evidence: Evidence, answers: AnswerSummary) -> Iterator[Finding]:
        """Yield where there are far more outputs than classes."""
        width = evidence.description.output_shape[-1] if evidence.description.output_shape else 1
        classes = sum(count > 0 for count in answers.counts)
        if answers.task is Task.CLASSES and classes and width >= OUTPUTS_TOO_MANY * classes:
            # Outputs for nothing cost the logarithm of their number at the start, and time.
            harmed = evidence.updates > 0 and least_learned(evidence) < HALF_LEARNED
            yield self.finding(
                Severity.WARNING if harmed else Severity.NOTE,
                0.75,
                fault="too many outputs",
                outputs=width,
                classes=classes,
                better=dense(evidence.description, classes),
            )

    # --- numbers --------------------------------------------------------------------------------

    def _numbers(self, evidence: Evidence, layer: LayerDescription | None) -> Iterator[Finding]:
        answers = evidence.description.answers
        if answers is None or answers.numbers is None or answers.numbers.constant:
            return
        spoke = False
        if layer is not None:
            found = self._out_of_reach(evidence, layer.path, layer.kind, reach(layer), answers)
        else:
            found = self._unseen_bound(evidence, answers)
        if found is not None:
            spoke = True
            yield found
        if not spoke:
            yield from self._names_as_numbers(evidence, answers)

    def _out_of_reach(
        self,
        evidence: Evidence,
        path: str,
        kind: str,
        bounds: tuple[float, float],
        answers: AnswerSummary,
    ) -> Finding | None:
        assert answers.numbers is not None
        low, high = bounds
        smallest, largest = answers.numbers.smallest, answers.numbers.largest
        beyond = max(low - smallest, largest - high, 0.0)
        if not beyond > BEYOND * answers.numbers.deviation:
            return None
        all_beyond = smallest > high or largest < low
        share = _known(evidence)
        if share >= REACHED and not all_beyond:
            return None
        severity = Severity.CRITICAL
        if share >= WELL_LEARNED or (evidence.updates == 0 and not all_beyond):
            severity = Severity.WARNING
        facts: dict[str, Any] = {"smallest": smallest, "largest": largest}
        facts |= {"lowest": low} if math.isfinite(low) else {}
        facts |= {"highest": high} if math.isfinite(high) else {}
        return self.finding(
            severity,
            0.95 if share < WELL_LEARNED else 0.7,
            fault="out of reach",
            layer=path,
            activation=kind,
            **facts,
        )

    def _unseen_bound(self, evidence: Evidence, answers: AnswerSummary) -> Finding | None:
        """Return what outputs tell that never passed a bound, where the last layer is not known."""
        _, lows = evidence.series("output_smallest", "")
        _, highs = evidence.series("output_largest", "")
        if evidence.updates == 0 or len(lows) < 2 or _known(evidence) >= WELL_LEARNED:
            return None
        low, high = float(lows.min()), float(highs.max())
        if low == 0.0 and high > 1.0:
            return self._out_of_reach(evidence, "", "ReLU", (0.0, math.inf), answers)
        near = 0.02
        for kind, least in (("sigmoid", 0.0), ("tanh", -1.0)):
            width = 1.0 - least
            touches = low < least + near * width or high > 1.0 - near * width
            if least <= low and high <= 1.0 and touches:
                return self._out_of_reach(evidence, "", kind, (least, 1.0), answers)
        return None

    def _names_as_numbers(self, evidence: Evidence, answers: AnswerSummary) -> Iterator[Finding]:
        """Yield where answers look like names of classes, and the loss takes them for numbers."""
        labels = _labels(answers)
        if evidence.updates == 0 or not labels:
            return
        share = learned(evidence)
        harmed = severity_of(share)
        if answers.one_hot:
            labels = evidence.description.output_shape[-1]
            severity, confidence = harmed, 0.55
        elif labels == 2:
            # A squared error of 0 and 1 learns too, so whatever else there is comes first.
            severity = Severity.NOTE if harmed is Severity.CRITICAL else None
            confidence = 0.35
        else:
            # Counts and grades pile up somewhere; of classes there are about as many of each.
            alike = max(answers.level_counts) <= ALIKE * min(answers.level_counts)
            severity = harmed and (Severity.WARNING if alike else Severity.NOTE)
            confidence = 0.6 if alike else 0.3
        if severity is None:
            return
        binary = labels == 2 and not answers.one_hot
        yield self.finding(
            severity,
            confidence,
            fault="names as numbers",
            loss=evidence.description.loss.kind,
            labels=labels,
            one_hot=answers.one_hot,
            learned_share=share,
            better=spelled(
                evidence.description, "binary_cross_entropy" if binary else "cross_entropy"
            ),
            units=dense(evidence.description, 1 if binary else labels),
        )

    # --- words ----------------------------------------------------------------------------------

    def _found(
        self,
        evidence: Evidence,
        fault: str,
        layer: LayerDescription,
        severity: Severity,
        confidence: float,
        **facts: Any,
    ) -> Finding:
        binary = evidence.description.loss.task is not Task.CLASSES
        better = "binary_cross_entropy" if binary else "cross_entropy"
        return self.finding(
            severity,
            confidence,
            fault=fault,
            layer=layer.path,
            activation=layer.kind,
            loss=evidence.description.loss.kind,
            better=spelled(evidence.description, better),
            **facts,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        fault, kind, loss = facts["fault"], facts.get("activation"), facts.get("loss")
        if fault == "lone softmax":
            return "The last layer is a softmax over one unit, which is 1 for every row."
        if fault == "never no":
            return (
                f"{loss} takes raw outputs, and behind {_a(kind)} they give no probability below "
                f"{figure(facts['least'])}: of the answer 0 the network is never sure, and the "
                f"loss can't fall below {three_figures(facts['floor'])}."
            )
        if fault == "floor":
            return (
                f"{loss} takes raw outputs, and {_a(kind)} stands before it: no probability can "
                f"pass {percent(facts['most'])}, and the loss can't fall below "
                f"{three_figures(facts['floor'])}."
            )
        if fault == "cut logits":
            return (
                f"{loss} takes raw outputs, and {_a(kind)} cuts them off below "
                f"{figure(facts['lowest'])}: where it is flat, an output no longer learns."
            )
        if fault == "no probabilities":
            last = f"ends in {_a(kind)}" if kind else "has no last activation"
            return f"{loss} takes probabilities, and the network {last}, which gives none."
        if fault == "no logarithms":
            return (
                f"{loss} takes logarithms of probabilities, and the network ends in {_a(kind)}, "
                "which gives none: the loss falls without end, or to −1, and means nothing."
            )
        if fault == "too many outputs":
            return f"The network has {facts['outputs']:,} outputs for {facts['classes']} classes."
        if fault == "names as numbers":
            what = (
                f"each row's answer is one 1 among {facts['labels']} columns"
                if facts["one_hot"]
                else f"the answers are {facts['labels']} whole numbers, as names of classes are"
            )
            return f"The loss is {loss}, for numbers, and {what}."
        bounds = _between(facts)
        where = f"The last layer is {_a(kind)}, whose" if facts["layer"] else "The"
        return (
            f"{where} outputs are {bounds}, and the answers lie between "
            f"{figure(facts['smallest'])} and {figure(facts['largest'])}."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        fault, kind = facts["fault"], facts.get("activation")
        if fault == "lone softmax":
            return (
                f"Leave the softmax out and learn with {facts['better']}, which takes the raw "
                "output of one unit; or give the last layer one unit for each class."
            )
        if fault in ("never no", "floor", "cut logits"):
            return (
                f"Leave out the {kind} at the end: {facts['better']} makes probabilities of raw "
                "outputs itself."
            )
        if fault == "no probabilities":
            return f"Learn with {facts['better']}, which takes raw outputs, and end without one."
        if fault == "no logarithms":
            return f"Learn with {facts['better']}, on raw outputs; or end in a LogSoftmax."
        if fault == "too many outputs":
            return f"End with {facts['better']}, one unit for each class."
        if fault == "names as numbers":
            return (
                f"If they are classes, learn with {facts['better']} and end with {facts['units']}."
            )
        return (
            f"Leave out the {kind} at the end, so that outputs can be any number; or scale the "
            f"answers so that they are {_between(facts)}."
        )


def _a(kind: Any) -> str:
    """Return the kind of a layer with its article."""
    return f"an {kind}" if str(kind)[:1] in "AEIOU" else f"a {kind}"


def _between(facts: Mapping[str, Any]) -> str:
    low, high = facts.get("lowest"), facts.get("highest")
    if low is not None and high is not None:
        return f"between {figure(low)} and {figure(high)}"
    return f"{figure(low)} or more" if low is not None else f"{figure(facts['highest'])} or less"


def _labels(answers: AnswerSummary) -> int:
    """Return how many classes answers look like the names of; 0 where they are numbers."""
    levels = answers.levels
    if answers.one_hot:
        return len(levels)
    whole = all(level == int(level) for level in levels)
    if not 2 <= len(levels) <= MOST_LABELS or not whole or levels[0] not in (0.0, 1.0):
        return 0
    in_a_row = levels[-1] - levels[0] == len(levels) - 1
    return len(levels) if in_a_row and answers.rows >= 2 * len(levels) else 0


def _known(evidence: Evidence) -> float:
    """Return the share learned; 0 before training."""
    return learned(evidence) if evidence.updates else 0.0


def _unless_learned(evidence: Evidence, severity: Severity) -> Severity:
    """Return a severity, or a note where the run learned well all the same."""
    return severity if _known(evidence) < WELL_LEARNED else Severity.NOTE
