"""`unshuffled`: rows sorted by their answer, learned in that order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.doctor.scales import for_place, place_of
from misstep.doctor.success import Success, left_over, success
from misstep.text.figures import percent, three_figures

# From here on the answer of one row tells most of that of the next: of two classes in turn the
# share is near 0, of sorted ones near 1.
ORDERED = 0.5
# At some place of the epoch, the same one each time, batches cost so many times the mean: there the
# next answer begins, which was forgotten. Of shuffled rows all places cost the same.
PEAK = 2.0
# Classes one after the other, with few changes between them, are no series in time; there less
# will do.
SORTED, PEAK_OF_SORTED = 0.9, 1.3
PLACES = 20
# Where most was learned, the harm is that this share of the loss is left all the same.
LEFT = 0.1
EPOCHS = 3
# After the last epoch the rows cost so many times what they cost while their own kind was learned:
# what came before was forgotten.
FORGOTTEN = 1.5

_SORTED = """
random = np.random.default_rng(0)
y = np.sort(np.arange(300) % 3)
x = random.normal(size=(300, 4)) + 1.5 * np.eye(4)[y]
"""


class Unshuffled(Rule):
    """An order of rows that teaches one answer after the other."""

    slug = "unshuffled"
    title = "Sorted rows, learned in that order"
    explanation = (
        "Where rows come sorted by their answer and are not shuffled, each batch holds one answer "
        "only. Updates learn to give that one, and forget the others; at the end of each epoch the "
        "network answers with what came last. The training loss hides it, since each batch is "
        "judged just after its like was learned. An order in one single batch is no harm, nor is "
        "one that the network learns from all the same."
    )
    leads_to = frozenset(
        {
            "constant-prediction",
            "slow-learning",
            "underfitting",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "diverging",
            "overfitting",
            "too-few-epochs",
            "wrong-optimizer",
            "dead-units",
            "saturated-units",
        }
    )
    sick = (
        Example(
            "one class after the other",
            f"""{_SORTED.strip()}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05), batch_size=10, shuffle=False
)
run = trainer.fit(x, y, epochs=6)
""",
        ),
        Example(
            "numbers from the smallest to the largest",
            """
random = np.random.default_rng(0)
x = random.normal(size=(300, 3))
y = x[:, :1] - x[:, 1:2] + 0.5 * random.normal(size=(300, 1))
order = np.argsort(y[:, 0])
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network, loss=ms.SquaredError(), optimizer=ms.Adam(0.05), batch_size=10, shuffle=False
)
run = trainer.fit(x[order], y[order], epochs=8)
""".strip(),
        ),
    )
    healthy = (
        Example(
            "one class after the other, shuffled",
            f"""{_SORTED.strip()}
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02), batch_size=16
)
run = trainer.fit(x, y, epochs=25)
""",
        ),
        Example(
            "classes in turn, in the order given",
            """
random = np.random.default_rng(0)
y = np.arange(300) % 3
x = random.normal(size=(300, 4)) + 2.5 * np.eye(4)[y]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02), batch_size=16, shuffle=False
)
run = trainer.fit(x, y, epochs=25)
""".strip(),
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where the order teaches, and what it taught was forgotten."""
        about = evidence.description
        if about.answers is None:
            raise CannotTellError("the record does not say what the answers are")
        order = about.answers.order_share
        if about.shuffled or order < ORDERED or about.updates_per_epoch < 2:
            return
        reached = success(evidence)
        facts: dict[str, Any] = {
            "order_share": order,
            "written_in": place_of(about),
            "batch_size": about.batch_size,
            "is_classes": evidence.is_classification,
        }
        if reached is Success.UNTRAINED:
            yield self.finding(Severity.WARNING, 0.7, **facts)
            return
        if reached is Success.FAILED and evidence.failed:
            yield self.finding(Severity.WARNING, 0.4, **facts)
            return
        training, probe = evidence.final_loss, evidence.last("probe_loss")
        validation = evidence.validation_losses
        judged = float(validation[-1]) if len(validation) else math.nan
        after = probe if math.isfinite(probe) else judged
        if not math.isfinite(after):
            raise CannotTellError("no rows were looked at after an epoch")
        chance = evidence.chance_loss
        # What is lost must be worth a word beside what a guess costs.
        forgot = after > FORGOTTEN * training and not after < 0.1 * chance
        costs = left_over(evidence) > LEFT and _peak(evidence) >= PEAK
        if reached is Success.WELL and not (forgot or costs):
            return
        facts |= {"training_loss": training, "loss_afterwards": after}
        accuracy = evidence.last("probe_accuracy")
        if math.isfinite(accuracy):
            facts["accuracy_afterwards"] = accuracy
        peak = _peak(evidence)
        in_blocks = evidence.is_classification and order >= SORTED
        peaks = peak >= (PEAK_OF_SORTED if in_blocks else PEAK)
        if peaks:
            facts["peak"] = peak
        harmed = reached in (Success.FAILED, Success.NOTHING)
        if not (forgot or harmed or peaks):
            return
        bad = harmed or after > 0.5 * chance
        sure = forgot or peaks
        yield self.finding(
            Severity.CRITICAL if bad else Severity.WARNING, 0.9 if sure else 0.6, **facts
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how sorted the rows are, and what was forgotten."""
        said = (
            f"Rows are learned in the order given, {facts['batch_size']:,} at a time, and they are "
            f"sorted by their answer ({percent(facts['order_share'])} of an answer is told by the "
            "row before)"
        )
        if "loss_afterwards" in facts:
            said += (
                f"; after the last epoch the loss of rows from all of them is "
                f"{three_figures(facts['loss_afterwards'])}"
            )
            if "accuracy_afterwards" in facts:
                said += f", and {percent(facts['accuracy_afterwards'])} of them are right"
            if "peak" in facts:
                said += (
                    f"; within each epoch batches of some place cost {three_figures(facts['peak'])}"
                    " times the mean, where the next answer begins"
                )
        return f"{said}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return how to shuffle."""
        shuffled = for_place(
            facts,
            misstep="ms.Trainer(..., shuffle=True), which is the default",
            command_line="leave out `--no-shuffle`",
            estimator="shuffle=True, which is the default",
            torch="DataLoader(..., shuffle=True)",
            keras="fit(..., shuffle=True), which is the default",
        )
        return (
            f"Shuffle the rows anew in each epoch: {shuffled}. Where the order of steps matters, "
            "shuffle windows, not what is within them."
        )


def _peak(evidence: Evidence) -> float:
    """Return how many times the mean batches cost at the costliest place of the last epochs."""
    about, steps = evidence.description, evidence.record.steps
    each = about.updates_per_epoch
    recent = steps["step"] > evidence.updates - EPOCHS * each
    recent &= np.isfinite(steps["loss"])
    places, losses = (steps["step"][recent] - 1) % each, steps["loss"][recent]
    if len(losses) < 4:
        return 1.0
    bins = places * min(PLACES, each) // each
    counts = np.bincount(bins)
    means = np.bincount(bins, losses)[counts > 0] / counts[counts > 0]
    mean = float(losses.mean())
    return float(means.max()) / mean if mean > 0 else 1.0
