"""Training rows learned by heart, and the validation rows none the better for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.curves import running_means
from misstep.doctor.evidence import Evidence, chance_of
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.optimizers import optimizer_facts
from misstep.doctor.progress import TURN_EPOCHS, Progress
from misstep.doctor.rule import CannotTellError, Example, Rule
from misstep.text.figures import four_figures, percent

# A validation loss by this much above its lowest has turned up for good, or for bad …
TURNED, TURNED_FAR = 1.25, 1.6
# … where the training loss halved since: else something else raised it.
HALVED = 0.5
# With so many validation rows right, little is lost by being too sure of the others.
RIGHT = 0.95
# Validation rows that are explained as well as this are not worth a warning.
WELL = 0.9
# Training rows are explained this well, and validation rows so much less, with a loss so many times
# as large (SageMaker Debugger compares the two losses as well): a good network on rows that it can
# tell apart leaves little of either.
BY_HEART, GAP, TIMES = 0.95, 0.1, 15.0
WELL_ENOUGH = 0.85
# Without any gain on validation rows, the run is worth nothing.
NOTHING = 0.3
# The faces that keep the weights of the best epoch.
KEEPING_BEST = ("command line", "estimator")


class Overfitting(Rule):
    """A validation loss that turned up, or lies far above the training loss."""

    slug = "overfitting"
    title = "Overfitting"
    explanation = (
        "The network went on to learn what is particular to the training rows, and gets rows that "
        "it has not seen no better, or worse. It has more freedom than the rows can hold in check: "
        "more rows, an earlier end or a penalty help. A run whose best weights were kept is judged "
        "by those."
    )
    needs = ("training_loss", "validation_loss")
    judges_end = True
    sick = (
        Example(
            "a wide network on forty rows",
            """
random = np.random.default_rng(0)
x = random.normal(size=(240, 10))
y = (x[:, 0] + x[:, 1] + 0.5 * random.normal(size=240) > 0).astype(int)
network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:40], y[:40], validation=(x[40:], y[40:]), epochs=150)
""",
        ),
        Example(
            "numbers learned with their noise",
            """
random = np.random.default_rng(0)
x = random.normal(size=(240, 8))
y = x[:, :1] + 0.5 * random.normal(size=(240, 1))
network = ms.Sequential(ms.Dense(64), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:40], y[:40], validation=(x[40:], y[40:]), epochs=300)
""",
        ),
    )
    healthy = (
        Example(
            "the same, ended in time",
            """
random = np.random.default_rng(0)
x = random.normal(size=(600, 8))
y = x[:, :1] + 0.5 * random.normal(size=(600, 1))
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(
    x[:400], y[:400], validation=(x[400:], y[400:]), epochs=300, early_stopping=10
)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where validation rows lost what training rows won."""
        progress = Progress(evidence)
        training = running_means(evidence.training_losses, TURN_EPOCHS)
        validation = running_means(evidence.validation_losses, TURN_EPOCHS)
        if len(training) < 2 or len(training) != len(validation) or not progress.reference > 0:
            raise CannotTellError(f"the record has fewer than {TURN_EPOCHS + 1} epochs of losses")
        chance = _validation_chance(evidence, progress.reference)
        best = int(validation.argmin())
        kept = best if _keeps_best(evidence) else len(validation) - 1
        explained = 1.0 - float(training[kept]) / progress.reference
        carried = 1.0 - float(validation[kept]) / chance
        times = float(validation[kept] / validation[best]) if validation[best] > 0 else 1.0
        halved = training[kept] < HALVED * training[best]
        turned = times > TURNED and halved and carried < WELL
        apart = validation[kept] > TIMES * training[kept]
        gap = explained > BY_HEART and explained - carried > GAP and apart
        if not (turned or gap):
            return
        right = _right_share(evidence, kept + TURN_EPOCHS - 1)
        # As far as so many rows can tell.
        enough = RIGHT - 2.0 * math.sqrt(RIGHT * (1.0 - RIGHT) / max(_validation_rows(evidence), 1))
        lost = carried < NOTHING or (turned and times > TURNED_FAR and carried < WELL_ENOUGH)
        yield self.finding(
            # Where nearly all are right, the loss alone suffers, by being sure of a few errors.
            Severity.NOTE if right >= enough else Severity.CRITICAL if lost else Severity.WARNING,
            0.85 if turned and gap else 0.75,
            **optimizer_facts(evidence.description),
            epoch=best + TURN_EPOCHS - 1,
            best_validation_loss=float(validation[best]),
            last_validation_loss=float(validation[kept]),
            last_training_loss=float(training[kept]),
            explained=explained,
            explained_of_validation=carried,
            rows=0 if evidence.description.inputs is None else evidence.description.inputs.rows,
            turned=bool(turned),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how far the two losses came apart."""
        training = four_figures(facts["last_training_loss"])
        validation = four_figures(facts["last_validation_loss"])
        if facts["turned"]:
            best = four_figures(facts["best_validation_loss"])
            return (
                f"The validation loss was lowest about epoch {facts['epoch']}, {best}, and rose to "
                f"{validation} while the training loss fell to {training}."
            )
        return (
            f"The training loss is {training}, the validation loss {validation}: of what guessing "
            f"loses, {percent(facts['explained'])} is explained of rows that were learned from, "
            f"{percent(facts['explained_of_validation'])} of others."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what holds it in check."""
        if facts["written_in"] == "misstep":
            end = "`early_stopping=10`" if facts["turned"] else "more rows"
            return (
                f"Use {end}, a smaller network, `ms.Dropout(0.3)` behind the widest layer, or "
                f"`ms.AdamW(…, weight_decay=0.01)`."
            )
        return "Use more rows, end training earlier, or take a smaller network, dropout or decay."


def _keeps_best(evidence: Evidence) -> bool:
    """Return whether the weights that are kept are those of the best epoch."""
    if evidence.description.origin.get("face") in KEEPING_BEST:
        return True
    return any(
        isinstance(event.get("facts"), dict) and event["facts"].get("cause") == "early_stopping"
        for event in evidence.record.events
    )


def _validation_rows(evidence: Evidence) -> int:
    answers = evidence.description.validation_answers
    return 0 if answers is None else answers.rows


def _right_share(evidence: Evidence, epoch: int) -> float:
    """Return the share of validation rows that were right after an epoch; NaN where not known."""
    shares = [
        line["validation_accuracy"]
        for line in evidence.record.epochs
        if not line.get("partial") and "validation_accuracy" in line
    ]
    return float(shares[epoch]) if epoch < len(shares) else math.nan


def _validation_chance(evidence: Evidence, chance: float) -> float:
    own = chance_of(evidence.description.validation_answers)
    return own if own > 0 else chance
