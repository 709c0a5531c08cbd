"""A network that is too narrow for its task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.optimizers import optimizer_facts
from misstep.doctor.passage import is_bypassed
from misstep.doctor.progress import Progress
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import Blame, unfinished
from misstep.record import LayerDescription, Role
from misstep.text.counts import counted
from misstep.text.figures import four_figures, percent

# Explained less than this of chance, there is something left to explain.
EXPLAINED, NUMBERS_EXPLAINED = 0.75, 0.88
LITTLE = 0.5
# So few units hold back whatever there is to tell; a layer narrower than there are classes has to
# press them together.
NARROW = 3
# With so few rows other causes are likelier: four rows of exclusive or need two units only.
FEW_ROWS = 16
# What is advised at least.
WIDTH = 32
LIKELY, UNLIKELY = 0.7, 0.35
# A single unit passes on a single number, and where it dies, nothing.
SURE = 0.9


class Underfitting(Rule):
    """A bottleneck of a few units, in a network that explains too little."""

    slug = "underfitting"
    title = "A network that is too small"
    explanation = (
        "What a hidden layer can pass on is bounded by its width. A layer of one, two or three "
        "units, or of fewer than there are classes, has to drop most of what its inputs say, "
        "however long training goes on. That a small network explains little can also mean that "
        "there is little to explain; fitting one small batch tells the two apart."
    )
    needs = ("loss",)
    judges_end = True
    leads_to = frozenset(
        {
            *("slow-learning", "too-few-epochs", "dead-units", "constant-prediction"),
            *("bad-initialization", "vanishing-gradients", "parameters-not-learning"),
            *("learning-rate-too-low", "saturated-units"),
        }
    )
    sick = (
        Example(
            "two units for a ring",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(2), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "ten classes through two units",
            """
random = np.random.default_rng(0)
y = np.arange(600) % 10
x = 2 * np.eye(10)[y] + 0.3 * random.normal(size=(600, 10))
network = ms.Sequential(ms.Dense(2), ms.ReLU(), ms.Dense(10))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=40)
""",
            also=frozenset({"dead-units", "learning-rate-too-low"}),
        ),
    )
    healthy = (
        Example(
            "three units that are enough",
            """
random = np.random.default_rng(0)
y = np.arange(400) % 2
x = random.normal(size=(400, 3)) + 4 * y[:, None]
network = ms.Sequential(ms.Dense(3), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=40)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where little is explained through few units."""
        if evidence.failed or not evidence.is_over:
            return
        progress = Progress(evidence)
        limit = EXPLAINED if evidence.is_classification else NUMBERS_EXPLAINED
        if not progress.explained < limit:
            return
        outputs = math.prod(evidence.description.output_shape) or 1
        layer = _narrowest(evidence)
        if layer is None:
            return
        width = layer.output_shape[-1]
        if width > NARROW and not (evidence.is_classification and width < outputs):
            return
        rows = 0 if evidence.description.inputs is None else evidence.description.inputs.rows
        late = unfinished(evidence)
        if late is not None and late.blame not in (Blame.EPOCHS, Blame.BATCH):
            return  # It was steps that lacked, not units.
        confidence = UNLIKELY if rows <= FEW_ROWS else LIKELY
        if width == 1 and rows > FEW_ROWS:
            confidence = SURE
        yield self.finding(
            Severity.CRITICAL if progress.explained < LITTLE else Severity.WARNING,
            confidence,
            **optimizer_facts(evidence.description),
            layer=layer.path,
            width=width,
            outputs=outputs,
            final_loss=progress.end,
            chance_loss=progress.reference,
            explained=progress.explained,
            suggested_width=max(WIDTH, 2 * outputs),
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how narrow it is, and what is explained."""
        units = counted(facts["width"], "unit")
        return (
            f"All goes through {units} of {facts['layer']}, and training ended at a loss of "
            f"{four_figures(facts['final_loss'])}, where guessing gives "
            f"{four_figures(facts['chance_loss'])}: {percent(max(facts['explained'], 0.0))} of it "
            f"is explained."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a wider layer."""
        width = facts["suggested_width"]
        if facts["written_in"] == "misstep":
            return f"Make the hidden layers wider, such as `ms.Dense({width})`."
        if facts["written_in"] in ("command line", "estimator"):
            return f"Take a wider network, such as dense{width} instead of dense{facts['width']}."
        return f"Make the hidden layers wider, such as {width} units."


def _narrowest(evidence: Evidence) -> LayerDescription | None:
    """Return the narrowest hidden layer that all must pass, None where there is none."""
    weighted = [
        layer
        for layer in evidence.layers
        if layer.role in (Role.AFFINE, Role.RECURRENT) and layer.output_shape
    ]
    # A channel of a picture says something at each of its places.
    hidden = [
        one
        for one in weighted[:-1]
        if (len(one.output_shape) == 1 or one.role is Role.RECURRENT)
        and not is_bypassed(evidence.description, one)
    ]
    return min(hidden, key=lambda layer: layer.output_shape[-1], default=None)
