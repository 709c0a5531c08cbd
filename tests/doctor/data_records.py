"""Records made by hand for the rules about data: what went in, and how the loss went."""

import numpy as np

from misstep.doctor import Evidence, registered_rules
from misstep.record import (
    AnswerSummary,
    FeatureSummary,
    InputSummary,
    LayerDescription,
    LossDescription,
    OptimizerDescription,
    ParameterDescription,
    Record,
    Role,
    RunDescription,
    Task,
)

DENSE = LayerDescription(
    "dense1", "Dense", Role.AFFINE, (2,), (8,), (ParameterDescription("dense1.weight", (2, 8)),)
)
TANH = LayerDescription("tanh1", "Tanh", Role.ACTIVATION, (8,), (8,), bounds=(-1.0, 1.0))
NORM = LayerDescription("norm1", "BatchNorm", Role.NORMALIZATION, (2,), (2,))


def feature(name="0", mean=0.0, deviation=1.0, **more):
    span = {"smallest": mean - 2 * deviation, "largest": mean + 2 * deviation}
    facts = {"median": mean, "spread": deviation, "constant": deviation == 0, **span, **more}
    return FeatureSummary(name, mean=mean, deviation=deviation, **facts)


def inputs(*features, rows=400, **more):
    whole = feature(
        "all",
        float(np.mean([one.mean for one in features])),
        float(np.sqrt(np.mean([one.mean**2 + one.deviation**2 for one in features]))),
        smallest=min(one.smallest for one in features),
        largest=max(one.largest for one in features),
        constant=all(one.constant for one in features),
    )
    constant = sum(one.constant for one in features)
    facts = {"whole": whole, "features": features, "constant_count": constant, **more}
    return InputSummary(rows, len(features), **facts)


def classes(*counts, chance=None, **more):
    shares = np.array(counts) / sum(counts)
    entropy = -float(sum(share * np.log(share) for share in shares if share))
    task = Task.CLASSES
    return AnswerSummary(task, sum(counts), tuple(counts), chance_loss=chance or entropy, **more)


def numbers(mean=0.0, deviation=1.0, **more):
    about = feature("answer", mean, deviation, **more)
    return AnswerSummary(Task.NUMBERS, 400, numbers=about, chance_loss=deviation**2)


def a_record(answers, losses=(), layers=(DENSE, TANH), start=None, signals=(), **description):
    """Return the record of a run whose epochs, of ten updates each, had these mean losses.

    `signals`: (step, name, path, value).
    """
    task = answers.task
    about = {
        "loss": LossDescription("SquaredError" if task is Task.NUMBERS else "CrossEntropy", task),
        "optimizer": OptimizerDescription("Adam", 0.001),
        "input_shape": (2,),
        "batch_size": 40,
        "updates_per_epoch": 10,
        "epochs": len(losses),
        "answers": answers,
        "start_loss": start,
        **description,
    }
    record = Record({}, RunDescription(layers=layers, **about))
    for number, loss in enumerate(losses):
        step = 10 * (number + 1)
        record.add(
            {"kind": "steps", "first": step - 9, "loss": [loss] * 10, "learning_rate": [0.001] * 10}
        )
        values = {"training_loss": loss}
        record.add({"kind": "epoch", "epoch": number + 1, "step": step, "values": values})
    for step, name, path, value in signals:
        record.add({"kind": "measures", "step": step, "signals": {name: {path: value}}})
    return record


def findings(slug, record):
    """Return what a rule finds, as pairs of severity and facts, with words that were made."""
    rule = registered_rules()[slug]
    found = list(rule.check(Evidence(record)))
    for one in found:
        assert one.symptom.endswith(".")
        assert one.remedy
        assert 0 < one.confidence < 1
    return [(one.severity.value, one.facts) for one in found]


def severities(slug, record):
    return [severity for severity, _ in findings(slug, record)]
