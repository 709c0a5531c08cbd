"""A training that ended because its loss was no longer a finite number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misstep.doctor.evidence import Evidence
from misstep.doctor.finding import Finding, Severity
from misstep.doctor.instability import Instability
from misstep.doctor.optimizers import optimizer_facts, written
from misstep.doctor.progress import Progress
from misstep.doctor.rule import Example, Rule
from misstep.text.figures import percent
from misstep.text.provenance import provenance_words

# Where an operation has no finite result by itself, that is the cause; what is too large was made
# large by something else.
OF_ITSELF = ("pole", "undefined", "given")
SURE, LIKELY, UNSURE = 0.95, 0.8, 0.5
LOWER = 0.1


class NotANumber(Rule):
    """The loss was not finite; where that came from, if the run knows."""

    slug = "not-a-number"
    title = "A loss that is not a number"
    explanation = (
        "One number that is not finite makes every sum that it enters not finite, so that the loss "
        "and soon all weights are lost. It arises where an operation has no result, as the "
        "logarithm of 0, a quotient by 0 or the root of a negative number, or where numbers grew "
        "until they were too large, as those of a loss that runs off. The weights from before are "
        "kept."
    )
    needs = ("loss",)
    sick = (
        Example(
            "the logarithm of 0",
            """
class Logarithm(ms.Module):
    def forward(self, x):
        return ms.log(x)

random = np.random.default_rng(0)
x = random.normal(size=(64, 4))
y = x[:, :1]
network = ms.Sequential(ms.Dense(8), ms.ReLU(), Logarithm(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=3)
""",
        ),
        Example(
            "numbers that grow until they are too large",
            """
x = np.linspace(-1, 1, 64)[:, None]
y = 3 * x + 1
trainer = ms.Trainer(
    ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(30.0), batch_size="full"
)
run = trainer.fit(x, y, epochs=60)
""",
            also=frozenset({"learning-rate-too-high"}),
        ),
    )
    healthy = (
        Example(
            "a logarithm of what is never 0",
            """
class Logarithm(ms.Module):
    def forward(self, x):
        return ms.log(ms.exp(x) + 1.0)

random = np.random.default_rng(0)
x = random.normal(size=(64, 4))
y = x[:, :1]
network = ms.Sequential(ms.Dense(8), Logarithm(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=100)
""",
        ),
    )

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding where training failed."""
        if not evidence.failed:
            return
        facts: dict[str, Any] = {
            **optimizer_facts(evidence.description),
            "step": max(evidence.updates, 1),
        }
        grew = Instability(Progress(evidence)).grew
        origin = next(
            (event for event in reversed(evidence.record.events) if event["kind"] == "provenance"),
            None,
        )
        if origin is None:
            inputs = evidence.description.inputs
            if inputs is not None and inputs.whole is not None and inputs.whole.missing_share > 0:
                yield self.finding(
                    Severity.CRITICAL, SURE, **facts, missing_share=inputs.whole.missing_share
                )
                return
            yield self.finding(Severity.CRITICAL, UNSURE if grew else LIKELY, **facts, grew=grew)
            return
        named = {name: value for name, value in origin.items() if name not in ("kind", "words")}
        own = origin.get("trouble") in OF_ITSELF
        confidence = SURE if own and not grew else LIKELY if own else UNSURE
        yield self.finding(Severity.CRITICAL, confidence, **(facts | named), grew=grew)

    def symptom(self, facts: Mapping[str, Any]) -> str:
        """Return where it came from."""
        if "missing_share" in facts:
            return (
                f"About {percent(facts['missing_share'])} of the numbers that went in were not "
                f"finite (NaN or ∞), and in update {facts['step']} the loss was no longer a finite "
                "number."
            )
        if "operation" not in facts:
            return f"In update {facts['step']} the loss was no longer a finite number."
        words = provenance_words(**facts)
        return f"{words[0].upper()}{words[1:]}."

    def remedy(self, facts: Mapping[str, Any]) -> str:
        """Return what removes what is known of its cause."""
        if "missing_share" in facts:
            return (
                "Fill in missing values, with the mean of the column's training rows for instance, "
                "or leave such rows out."
            )
        trouble = facts.get("trouble")
        if trouble == "given":
            return "Look at what was given: it was not finite to begin with."
        if trouble in OF_ITSELF:
            what = str(facts.get("operation") or "the operation").replace("_", " ")
            where = f" in {facts['layer']}" if facts.get("layer") else ""
            return (
                f"Keep what {what} gets{where} away from where it has no finite result, by adding "
                f"a small number such as 1e-6 or by clipping it from below."
            )
        lower = written(facts, float(f"{LOWER * facts['learning_rate']:.0e}"))
        if facts["grew"] or trouble == "overflow":
            return f"Numbers grew until they were too large: take {lower}, and scaled inputs."
        return (
            f"Look at inputs and answers for numbers that are no numbers; and try {lower} with "
            f"gradients clipped to a norm of 1."
        )
