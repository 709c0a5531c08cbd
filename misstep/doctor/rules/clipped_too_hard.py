"""Gradients that are clipped to next to nothing at every update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import Blame, state_words, unfinished
from misstep.text.figures import percent, three_figures


class ClippedTooHard(Rule):
    """Clipping cuts every gradient, and steps are short because of it."""

    slug = "clipped-too-hard"
    title = "Gradients clipped too hard"
    explanation = (
        "Clipping is there for the rare gradient that is far too large. Where its limit is below "
        "what gradients usually are, it cuts every one, and the limit, not the gradient, says how "
        "far a step goes. Optimizers that scale their steps by the size of gradients, such as "
        "Adam, undo it; SGD is slowed down by as much as the gradient is cut."
    )
    needs = ("loss", "clipped_share")
    judges_end = True
    leads_to = frozenset({"slow-learning", "too-few-epochs", "learning-rate-too-low"})
    sick = (
        Example(
            "a limit of a thousandth",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.SGD(0.1, momentum=0.9),
    clipping=ms.optim.ClipNorm(1e-3),
)
run = trainer.fit(x, y, epochs=40)
""",
        ),
        Example(
            "entries clipped to a ten-thousandth",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2]
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.SGD(0.05, momentum=0.9),
    clipping=ms.optim.ClipValue(1e-4),
)
run = trainer.fit(x, y, epochs=40)
""",
        ),
    )
    healthy = (
        Example(
            "a limit that holds back the first updates",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.SGD(0.1, momentum=0.9),
    clipping=ms.optim.ClipNorm(0.5),
)
run = trainer.fit(x, y, epochs=60)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where the limit made steps too short."""
        run = unfinished(evidence)
        if run is None or run.blame is not Blame.CLIPPING:
            return
        _, shares = evidence.series("clipped_share")
        clipping = evidence.description.clipping[0]
        facts = run.facts() | {"clipped_share": float(np.mean(shares)), "clipping": clipping.kind}
        limit = clipping.settings.get("limit")
        if limit is not None:
            facts["limit"] = float(limit)
        size = _gradient_norm(evidence)
        if size > 0:
            facts["gradient_norm"] = size
        yield self.finding(run.severity, run.confidence, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return how many gradients are cut, and how far it came."""
        to = f" at {facts['limit']:.3g}" if "limit" in facts else ""
        usual = ""
        if "gradient_norm" in facts:
            usual = f" (their norm is usually {three_figures(facts['gradient_norm'])})"
        return (
            f"Clipping{to} cut the gradients of {percent(facts['clipped_share'])} of all "
            f"updates{usual}. {state_words(facts)}"
        )

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return a limit that cuts only the largest."""
        if facts["written_in"] == "misstep" and facts["clipping"] == "ClipNorm":
            limit = max(1.0, 5.0 * facts.get("gradient_norm", 0.2))
            return (
                f"Clip only what is far too large, `clipping=ms.optim.ClipNorm({limit:.2g})`, or "
                f"not at all."
            )
        return "Leave clipping out, or raise its limit to several times the usual gradient."


def _gradient_norm(evidence: Evidence) -> float:
    """Return the usual norm of the whole gradient over the looks; 0 where not known."""
    squares: dict[int, float] = {}
    for path in evidence.record.paths("gradient_norm"):
        steps, sizes = evidence.series("gradient_norm", path)
        for step, size in zip(steps.tolist(), sizes.tolist(), strict=True):
            squares[step] = squares.get(step, 0.0) + size * size
    finite = [value for value in squares.values() if np.isfinite(value)]
    return float(np.sqrt(np.median(finite))) if finite else 0.0
