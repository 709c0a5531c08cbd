"""A penalty, decay or dropout that outweighs what there is to learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.optimizers import optimizer_facts, usual_rate
from misstep.doctor.progress import Progress
from misstep.doctor.rule import Example, Rule
from misstep.record import Role
from misstep.text.figures import four_figures, percent

# Explained less than this of chance, something is lost to the penalty.
EXPLAINED, NUMBERS_EXPLAINED = 0.75, 0.8
# Where the penalty is far larger than the loss, or dropout costs much, what lacks to this is lost.
MOST_EXPLAINED = 0.9
FAR_HEAVIER, HIGH_COST = 0.5, 0.15
LITTLE = 0.3
# A penalty of this share of the chance loss weighs as much as a good part of the task …
HEAVY = 0.15
# … and weights that shrank to this share of what they began as show that it won.
SHRUNK = 0.65
# Decay by so many e-folds over a training takes away what is not held up by gradients.
DECAYED = 1.0
# It goes with the learning rate; above so many times the usual one, the rate is to blame.
MOST_TIMES_USUAL = 30.0
# Dropout at this rate and above is more than textbooks advise (Srivastava and others, 2014: 0.5
# for hidden units); the rates of several layers add up: what is left of a path.
STRONG, LEFT = 0.5, 0.3
VERY_STRONG = 0.65
# Without dropout the loss is lower by this much of chance: so much of the loss is dropout's.
COST = 0.08
NOTHING = 0.2
# Advised: a tenth of what harms.
LESS = 0.1


class OverRegularized(Rule):
    """Weights pulled to 0, or units dropped, by more than the task can bear."""

    slug = "over-regularized"
    title = "Too much regularization"
    explanation = (
        "Penalties, weight decay and dropout keep a network from learning its rows by heart. Too "
        "strong, they keep it from learning: weights shrink although the loss is high, or so few "
        "units are left in each pass that hardly anything gets through."
    )
    needs = ("loss",)
    judges_end = True
    leads_to = frozenset(
        {
            *("slow-learning", "too-few-epochs", "underfitting", "constant-prediction"),
            *("vanishing-gradients", "learning-rate-too-low", "dead-units", "diverging"),
            *("learning-rate-too-high",),
        }
    )
    sick = (
        Example(
            "a penalty of a half on squared weights",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.Adam(0.01),
    regularizers=ms.optim.L2(0.5),
)
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "nine units in ten dropped",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(
    ms.Dense(24),
    ms.ReLU(),
    ms.Dropout(0.8),
    ms.Dense(24),
    ms.ReLU(),
    ms.Dropout(0.8),
    ms.Dense(1),
)
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.005))
run = trainer.fit(x, y, epochs=60)
""",
            also=frozenset({"dead-units"}),
        ),
    )
    healthy = (
        Example(
            "dropout that helps",
            """
random = np.random.default_rng(0)
x = random.normal(size=(600, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dropout(0.5), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:400], y[:400], validation=(x[400:], y[400:]), epochs=60)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where what holds weights back has won."""
        if evidence.failed or not evidence.is_over:
            return
        progress = Progress(evidence)
        explained = _without_dropout(progress)
        limit = EXPLAINED if evidence.is_classification else NUMBERS_EXPLAINED
        if not explained < MOST_EXPLAINED:
            return
        severity = Severity.CRITICAL if explained < LITTLE else Severity.WARNING
        facts = {
            **optimizer_facts(evidence.description),
            "final_loss": progress.end,
            "chance_loss": progress.reference,
            "explained": explained,
        }
        yield from self._penalty(progress, severity, facts, explained < limit)
        yield from self._dropout(progress, severity, facts, explained < limit)

    def _penalty(
        self, progress: Progress, severity: Severity, facts: dict[str, Any], lacking: bool
    ) -> Iterator[Finding]:
        evidence = progress.evidence
        left = _shrinkage(evidence)
        if not left < SHRUNK:
            return
        description = evidence.description
        decay = description.optimizer.settings.get("weight_decay") or 0.0
        strengths = [
            (part.kind, float(part.settings.get("strength") or 0.0))
            for part in description.penalties
        ]
        decoupled = description.optimizer.kind.lower() == "adamw"
        if decay and not decoupled:
            strengths.append(("weight_decay", float(decay)))
        weighed = [
            (_weight(evidence, kind, strength), kind, strength) for kind, strength in strengths
        ]
        share, kind, strength = max(weighed, default=(0.0, "", 0.0))
        share /= progress.reference
        # At a rate that is far too high, decay is the least of the troubles.
        tame = progress.peak_rate <= MOST_TIMES_USUAL * usual_rate(description.optimizer)
        folds = float(decay) * float(progress.rates.sum()) if decoupled and tame else 0.0
        if share < (HEAVY if lacking else FAR_HEAVIER) and folds < DECAYED:
            return
        if folds >= DECAYED and share < HEAVY:
            kind, strength = "weight_decay", float(decay)
        yield self.finding(
            severity,
            0.9 if left < SHRUNK / 2 else 0.8,
            **facts,
            penalty=kind,
            strength=strength,
            suggested_strength=float(f"{LESS * strength:.0e}"),
            weights_left=left,
            penalty_share=share,
        )

    def _dropout(
        self, progress: Progress, severity: Severity, facts: dict[str, Any], lacking: bool
    ) -> Iterator[Finding]:
        layers = [
            (float(layer.settings["rate"]), layer.path)
            for layer in progress.evidence.layers
            if layer.role is Role.DROPOUT and isinstance(layer.settings.get("rate"), int | float)
        ]
        if not layers:
            return
        rate, path = max(layers)
        left = math.prod(1.0 - each for each, _ in layers)
        if rate < STRONG and left > LEFT:
            return
        explained = facts["explained"]
        costs = explained - progress.explained > (COST if lacking else HIGH_COST)
        starved = explained < NOTHING and (rate >= VERY_STRONG or left <= LEFT)
        if not (costs or starved):
            return
        yield self.finding(
            severity,
            0.8 if costs or rate >= VERY_STRONG else 0.6,
            **facts,
            layer=path,
            dropout=rate,
            paths_left=left,
            cost=explained - progress.explained,
        )

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return what was pulled or dropped, and what is explained."""
        ended = (
            f"training ended at a loss of {four_figures(facts['final_loss'])}, where guessing "
            f"gives {four_figures(facts['chance_loss'])}"
        )
        if "dropout" in facts:
            return (
                f"Dropout at a rate of {facts['dropout']:.2g} leaves "
                f"{percent(facts['paths_left'])} of the paths through the network, and {ended}."
            )
        return (
            f"Under {facts['penalty']} of {facts['strength']:.2g} the weights shrank to "
            f"{percent(facts['weights_left'])} of what they began as, and {ended}."
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a weaker one."""
        if "dropout" in facts:
            less = "0.2" if facts["dropout"] <= STRONG else "0.3"
            layer = f"`ms.Dropout({less})`" if facts["written_in"] == "misstep" else less
            return f"Drop fewer units, {layer} instead of {facts['dropout']:.2g}, or none."
        weaker = f"{facts['suggested_strength']:.2g}"
        if facts["penalty"] == "weight_decay":
            return f"Decay less: `weight_decay={weaker}` instead of {facts['strength']:.2g}."
        if facts["written_in"] == "misstep":
            return (
                f"Penalize less: `ms.optim.{facts['penalty']}({weaker})` instead of "
                f"{facts['strength']:.2g}."
            )
        return f"Penalize less: {weaker} instead of {facts['strength']:.2g}."


def _without_dropout(progress: Progress) -> float:
    """Return how much is explained where nothing is dropped, as far as validation rows show."""
    losses = progress.evidence.validation_losses
    if not len(losses) or not progress.reference > 0:
        return progress.explained
    return max(progress.explained, 1.0 - float(losses[-1]) / progress.reference)


def _shrinkage(evidence: Evidence) -> float:
    """Return ‖w‖ at the end ÷ at the beginning, over all weights that learn; NaN if not known."""
    first = last = 0.0
    for _, parameter in evidence.weights:
        before = evidence.first("weight_norm", parameter.name)
        after = evidence.last("weight_norm", parameter.name)
        if parameter.learns and math.isfinite(before) and math.isfinite(after):
            first, last = first + before * before, last + after * after
    return math.sqrt(last / first) if first > 0 else math.nan


def _weight(evidence: Evidence, kind: str, strength: float) -> float:
    """Return the most that a penalty came to, before the first update or at the end."""
    weighed = []
    for when in (evidence.first, evidence.last):
        total = 0.0
        for _, parameter in evidence.weights:
            norm = when("weight_norm", parameter.name)
            if not (parameter.learns and math.isfinite(norm)):
                continue
            if kind == "L1":
                # Σ |w| of normal numbers: √(2/π) · √n · ‖w‖.
                total += strength * math.sqrt(2 / math.pi * math.prod(parameter.shape)) * norm
            else:
                total += 0.5 * strength * norm * norm
        weighed.append(total)
    return max(weighed)
