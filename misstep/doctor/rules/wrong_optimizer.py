"""Plain gradient descent where an optimizer that scales its steps learns much quicker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding
from misstep.doctor.optimizers import USUAL_RATES, written
from misstep.doctor.rule import Example, Rule
from misstep.doctor.unfinished import Blame, state_words, unfinished

# What is advised instead.
ADVISED = "Adam"


class WrongOptimizer(Rule):
    """Plain SGD at a usual rate, in a run that ended unfinished."""

    slug = "wrong-optimizer"
    title = "An optimizer that is too plain"
    explanation = (
        "Plain stochastic gradient descent moves each weight in proportion to its gradient. In a "
        "network of several layers gradients differ by orders of magnitude, so that a rate that is "
        "safe for some weights hardly moves the others. Adam and its kin scale each weight's step "
        "by its own gradients; momentum adds up steps that agree."
    )
    needs = ("loss",)
    judges_end = True
    leads_to = frozenset(
        {"constant-prediction", "slow-learning", "too-few-epochs", "learning-rate-too-low"}
    )
    sick = (
        Example(
            "plain SGD on a task that curves",
            """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.005))
run = trainer.fit(x, y, epochs=60)
""",
        ),
        Example(
            "plain SGD on the four rows of exclusive or",
            """
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0.0], [1.0], [1.0], [0.0]])
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(
    network, loss=ms.BinaryCrossEntropy(), optimizer=ms.SGD(0.01), batch_size="full"
)
run = trainer.fit(x, y, epochs=1000)
""",
        ),
    )
    healthy = (
        Example(
            "plain SGD that gets there",
            """
random = np.random.default_rng(0)
y = np.arange(400) % 2
x = random.normal(size=(400, 3)) + 3 * y[:, None]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.05))
run = trainer.fit(x, y, epochs=60)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where many plain steps at a usual rate did not get there."""
        run = unfinished(evidence)
        if run is not None and run.blame is Blame.OPTIMIZER:
            rate = USUAL_RATES[ADVISED.lower()]
            facts = run.facts() | {"suggested_learning_rate": rate}
            yield self.finding(run.severity, run.confidence, **facts)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return what optimizer it was, and how far it came."""
        kind = facts["optimizer"]
        plain = "SGD without momentum" if kind.lower() == "sgd" else kind
        return f"{plain} at {facts['learning_rate']:.4g} learns slowly here. {state_words(facts)}"

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return another optimizer."""
        other = written(facts, facts["suggested_learning_rate"], ADVISED)
        # Neither the command line nor an estimator has an option for momentum.
        plain = facts["optimizer"].lower() == "sgd"
        in_words = facts["written_in"] in ("command line", "estimator")
        return f"Take {other}{', or give SGD a momentum of 0.9' if plain and not in_words else ''}."
