"""Rules about signals and layers, on records made by hand: where each speaks, and where not."""

import dataclasses
import math

import pytest
from data_records import classes, findings, numbers, severities
from network_records import BOTH, FAILED, LEARNED, WHOLE, a_run, activation, chain, dense, looks

from misstep.doctor import CannotTellError, Evidence
from misstep.doctor.harm import learned, least_learned, severity_of, validated
from misstep.doctor.output_reach import binary_floor, classes_floor, probability, reach
from misstep.doctor.passage import bends, last_layer
from misstep.record import (
    AnswerSummary,
    InputSummary,
    LayerDescription,
    LossDescription,
    ParameterDescription,
    Role,
    Task,
)

SIGMOIDS = chain("Sigmoid", 4, 8, 8, 8, 8, 2)
RELUS = chain("ReLU", 4, 16, 16, 2)
BINARY = AnswerSummary(Task.BINARY, 400, (200, 200), chance_loss=math.log(2))
YES_NO = LossDescription("BinaryCrossEntropy", Task.BINARY, "logits")
ONE_OF = LossDescription("CrossEntropy", Task.CLASSES, "logits")


def one(slug, record):
    (found,) = findings(slug, record)
    return found


# Harm


def test_learned_takes_the_best_of_what_is_known():
    halved = Evidence(a_run(RELUS, [math.log(2) / 2] * 5))
    assert learned(halved) == pytest.approx(0.5, abs=1e-6)
    right = looks("probe_accuracy", "", 0.5, 0.95)
    assert learned(Evidence(a_run(RELUS, FAILED, signals=right))) == pytest.approx(0.9)
    assert learned(Evidence(a_run(RELUS, [0.69, math.nan]))) == -math.inf


def test_least_learned_takes_the_worse_of_training_and_validation():
    record = a_run(RELUS, LEARNED, validation_answers=BOTH)
    for epoch in record.epochs:
        epoch["validation_loss"] = 0.5
    evidence = Evidence(record)
    assert validated(evidence) == pytest.approx(1 - 0.5 / math.log(2))
    assert least_learned(evidence) == pytest.approx(1 - 0.5 / math.log(2))
    assert learned(evidence) > 0.95


def test_harm_is_unknown_where_chance_is():
    answers = numbers()
    object.__setattr__(answers, "chance_loss", None)
    with pytest.raises(CannotTellError):
        learned(Evidence(a_run(RELUS, answers=answers)))


def test_a_run_that_has_only_begun_is_not_judged():
    with pytest.raises(CannotTellError):
        learned(Evidence(a_run(RELUS, [0.69], epochs=50)))


def test_severity_of():
    assert severity_of(0.2) == "critical"
    assert severity_of(0.7) == "warning"
    assert severity_of(0.95) is None


# Passage


@pytest.mark.parametrize(
    ("kind", "role", "expected"),
    [
        ("ReLU", Role.ACTIVATION, True),
        ("Identity", Role.ACTIVATION, False),
        ("Dense", Role.AFFINE, False),
        ("Dropout", Role.DROPOUT, False),
        ("BatchNorm", Role.NORMALIZATION, False),
        ("LayerNorm", Role.NORMALIZATION, True),
        ("MaxPool2D", Role.POOLING, True),
        ("AveragePool2D", Role.POOLING, False),
        ("LSTM", Role.RECURRENT, True),
        ("Something", Role.OTHER, True),
    ],
)
def test_bends(kind, role, expected):
    assert bends(LayerDescription("it", kind, role)) is expected


def test_the_last_layer_is_not_guessed_inside_of_what_a_person_wrote():
    ends = (dense(1, 4, 2), activation("Softmax", 1, 2))
    assert last_layer(a_run((*ends, WHOLE)).description).kind == "Softmax"
    own = LayerDescription("", "MyNetwork", Role.CONTAINER)
    assert last_layer(a_run((*ends, own)).description) is None


# Outputs


@pytest.mark.parametrize("logit", [-800.0, -3.0, 0.0, 2.0, 800.0, math.inf, -math.inf])
def test_probability(logit):
    expected = 0.0 if logit < -700 else 1 / (1 + math.exp(-logit))
    assert probability(logit) == pytest.approx(expected)


def test_floors_are_those_of_the_best_logits():
    # Behind a sigmoid the best answers are logits of 0 and 1.
    assert binary_floor(0.0, 1.0, 0.5) == pytest.approx(
        -0.5 * math.log(1 / (1 + math.exp(-1))) - 0.5 * math.log(0.5)
    )
    share = math.e / (math.e + 9)
    assert classes_floor(0.0, 1.0, 10) == pytest.approx(-math.log(share))
    assert classes_floor(0.0, math.inf, 10) == 0.0


def test_reach():
    assert reach(activation("Tanh", 1, 2)) == (-1.0, 1.0)
    assert reach(activation("ReLU", 1, 2)) == (0.0, math.inf)
    assert reach(dense(1, 2, 2)) == (-math.inf, math.inf)


def ending(kind, outputs):
    return (*chain("ReLU", 4, 16, outputs)[:-1], activation(kind, 9, outputs), WHOLE)


@pytest.mark.parametrize(
    ("kind", "fault", "severity"),
    [("Sigmoid", "never no", "critical"), ("ReLU", "never no", "critical")],
)
def test_an_activation_before_a_loss_of_yes_or_no(kind, fault, severity):
    found = one("wrong-output", a_run(ending(kind, 1), answers=BINARY, loss=YES_NO))
    assert found[0] == severity
    assert found[1]["fault"] == fault


def test_a_tanh_before_a_loss_of_yes_or_no_has_a_floor():
    severity, facts = one("wrong-output", a_run(ending("Tanh", 1), answers=BINARY, loss=YES_NO))
    assert (severity, facts["fault"]) == ("critical", "floor")
    assert facts["floor"] == pytest.approx(math.log(1 + math.exp(-1)))


@pytest.mark.parametrize("losses", [FAILED, LEARNED])
def test_a_softmax_too_many_is_told_even_where_it_learned(losses):
    severity, facts = one("wrong-output", a_run(ending("Softmax", 2), losses, loss=ONE_OF))
    assert severity == ("critical" if losses is FAILED else "warning")
    assert facts["better"] == "`ms.CrossEntropy()`"


def test_a_softmax_over_one_unit():
    answers = numbers(0.5, 0.5)
    severity, facts = one("wrong-output", a_run(ending("Softmax", 1), [0.3] * 6, answers=answers))
    assert (severity, facts["fault"]) == ("critical", "lone softmax")


@pytest.mark.parametrize(
    ("kind", "smallest", "largest", "speaks"),
    [
        ("Sigmoid", 0.0, 1.0, False),
        ("Sigmoid", 0.0, 1.05, False),
        ("Sigmoid", 25.0, 340.0, True),
        ("ReLU", -2.0, 3.0, True),
        ("ReLU", 0.0, 90.0, False),
        ("Tanh", -1.0, 1.0, False),
        ("Tanh", -3.0, 3.0, True),
    ],
)
def test_what_an_output_reaches_of_the_answers(kind, smallest, largest, speaks):
    middle, deviation = (smallest + largest) / 2, (largest - smallest) / 4
    answers = numbers(middle, deviation, smallest=smallest, largest=largest)
    losses = [0.8 * deviation**2] * 6
    found = severities("wrong-output", a_run(ending(kind, 1), losses, answers=answers))
    assert found == (["critical"] if speaks else [])


def test_outputs_tell_of_a_relu_that_nobody_sees():
    own = LayerDescription("", "MyNetwork", Role.CONTAINER)
    layers = (*chain("Tanh", 4, 16, 1)[:-1], own)
    signals = looks("output_smallest", "", 0.0, 0.0, 0.0)
    signals += looks("output_largest", "", 0.4, 1.5, 2.0)
    record = a_run(layers, [0.5] * 6, answers=numbers(), signals=signals)
    severity, facts = one("wrong-output", record)
    assert (severity, facts["activation"], facts["layer"]) == ("critical", "ReLU", "")


@pytest.mark.parametrize(
    ("counts", "severity"), [((40, 42, 39, 41), "warning"), ((200, 90, 30, 5), "note")]
)
def test_classes_as_numbers_are_told_from_counts(counts, severity):
    answers = numbers(1.5, 1.1, smallest=0.0, largest=3.0)
    answers = AnswerSummary(
        Task.NUMBERS,
        sum(counts),
        numbers=answers.numbers,
        chance_loss=1.21,
        levels=(0.0, 1.0, 2.0, 3.0),
        level_counts=counts,
    )
    found = severities("wrong-output", a_run(chain("ReLU", 4, 16, 1), [0.4] * 6, answers=answers))
    assert found == [severity]


def test_far_more_outputs_than_classes_are_a_note():
    three = classes(100, 100, 100, *[0] * 37)
    record = a_run(chain("ReLU", 4, 16, 40), LEARNED, answers=three, loss=ONE_OF)
    assert severities("wrong-output", record) == ["note"]


def test_logarithms_that_are_none():
    wanted = LossDescription("NLLLoss", Task.CLASSES, "logits")
    severity, facts = one("wrong-output", a_run(ending("Softmax", 2), loss=wanted))
    assert (severity, facts["fault"]) == ("critical", "no logarithms")
    right = LayerDescription("it", "LogSoftmax", Role.ACTIVATION, (2,), (2,))
    layers = (*chain("ReLU", 4, 16, 2)[:-1], right, WHOLE)
    assert severities("wrong-output", a_run(layers, loss=wanted)) == []


def test_losses_of_probabilities_need_some():
    wanted = LossDescription("BinaryCrossentropy", Task.BINARY, "probabilities")
    linear = a_run(chain("ReLU", 4, 16, 1), answers=BINARY, loss=wanted, framework="keras")
    severity, facts = one("wrong-output", linear)
    assert (severity, facts["fault"]) == ("critical", "no probabilities")
    assert facts["better"] == "`keras.losses.BinaryCrossentropy(from_logits=True)`"
    right = a_run(ending("Sigmoid", 1), answers=BINARY, loss=wanted)
    assert severities("wrong-output", right) == []


# Missing activations


def test_a_stack_is_blamed_by_what_it_learned():
    stack = chain(None, 4, 16, 16, 2)
    assert severities("missing-activation", a_run(stack)) == ["critical"]
    assert severities("missing-activation", a_run(stack, LEARNED)) == ["note"]
    assert severities("missing-activation", a_run(stack, ())) == ["warning"]


def test_a_stack_in_a_forward_method_is_blamed_where_it_was_tried():
    own = LayerDescription("", "MyNetwork", Role.CONTAINER)
    layers = (*chain(None, 4, 16, 2)[:-1], own)
    assert severities("missing-activation", a_run(layers)) == []
    assert severities("missing-activation", a_run(layers, affine=True)) == ["critical"]
    assert severities("missing-activation", a_run(layers, affine=False)) == []


def test_a_pair_is_blamed_but_not_one_that_squeezes():
    pair = (dense(1, 9, 16), activation("ReLU", 1, 16), dense(2, 16, 16), dense(3, 16, 2), WHOLE)
    severity, facts = one("missing-activation", a_run(pair))
    assert (severity, facts["layers"]) == ("critical", ["dense2", "dense3"])
    code = (dense(1, 9, 16), activation("ReLU", 1, 16), dense(2, 16, 2), dense(3, 2, 9), WHOLE)
    assert severities("missing-activation", a_run(code)) == []


def test_an_activation_that_stands_at_two_places_is_missing_at_none():
    twice = dataclasses.replace(activation("ReLU", 1, 16), calls=2)
    layers = (dense(1, 9, 16), twice, dense(2, 16, 16), dense(3, 16, 2), WHOLE)
    assert severities("missing-activation", a_run(layers)) == []


def test_a_lone_layer_is_blamed_where_it_settled_at_chance():
    lone = (dense(1, 2, 2), WHOLE)
    assert severities("missing-activation", a_run(lone, [0.693] * 9)) == ["warning"]
    assert severities("missing-activation", a_run(lone, [0.5] * 9)) == []


# Dead and saturated units


@pytest.mark.parametrize(
    ("share", "losses", "expected"),
    [
        (1.0, FAILED, ["critical"]),
        (0.6, FAILED, ["critical"]),
        (0.4, FAILED, []),
        (1.0, LEARNED, []),
        (0.6, [0.3] * 6, []),
        (0.8, [0.3] * 6, ["warning"]),
    ],
)
def test_dead_units_need_many_units_and_harm(share, losses, expected):
    signals = looks("dead_share", "relu1", 0.0, share, share)
    assert severities("dead-units", a_run(RELUS, losses, signals=signals)) == expected


def test_zeros_are_not_dead():
    signals = looks("zero_share", "relu1", 0.8, 0.8) + looks("dead_share", "relu1", 0.0, 0.0)
    assert severities("dead-units", a_run(RELUS, signals=signals)) == []


def test_few_rows_leave_units_at_zero_by_chance():
    signals = looks("dead_share", "relu1", 1.0, 1.0)
    for rows, expected in ((3, None), (4, ["critical"])):
        record = a_run(RELUS, FAILED, signals=signals, inputs=InputSummary(rows, 2))
        if expected is None:
            with pytest.raises(CannotTellError, match="few rows"):
                severities("dead-units", record)
        else:
            assert severities("dead-units", record) == expected


def test_dead_units_say_since_when():
    signals = looks("dead_share", "relu1", 0.1, 0.2, 1.0, 1.0)
    _, facts = one("dead-units", a_run(RELUS, signals=signals))
    assert (facts["layer"], facts["step"], facts["dead"], facts["units"]) == ("relu1", 20, 16, 16)


@pytest.mark.parametrize(
    ("shares", "losses", "expected"),
    [
        ((0.9, 0.9), FAILED, ["critical"]),
        ((0.9, 0.9), LEARNED, []),
        ((0.3, 0.4), FAILED, []),
        ((0.9, 0.0, 0.0), FAILED, []),
    ],
)
def test_saturated_units_need_a_share_that_stays_and_harm(shares, losses, expected):
    signals = looks("saturated_share", "sigmoid1", *shares)
    assert severities("saturated-units", a_run(SIGMOIDS, losses, signals=signals)) == expected


def test_an_output_that_is_sure_is_not_saturated():
    signals = looks("saturated_share", "sigmoid9", 1.0, 1.0)
    record = a_run(ending("Sigmoid", 1), answers=BINARY, loss=YES_NO, signals=signals)
    assert severities("saturated-units", record) == []


# Gradients


def gradients(*shares, steps=3):
    signals = []
    for number, share in enumerate(shares, start=1):
        signals += looks("gradient_norm", f"dense{number}.weight", *[share] * steps)
        signals += looks("weight_norm", f"dense{number}.weight", *[1.0] * steps)
    return signals


@pytest.mark.parametrize(
    ("shares", "losses", "expected"),
    [
        ((1e-5, 1e-4, 1e-3, 1e-2, 0.1), FAILED, ["critical"]),
        ((1e-5, 1e-4, 1e-3, 1e-2, 0.1), LEARNED, []),
        ((0.05, 0.05, 0.05, 0.05, 0.1), FAILED, []),
        # All of them small, as near a minimum, is no vanishing.
        ((1e-8, 1e-8, 1e-8, 1e-8, 1e-8), FAILED, []),
        ((0.0, 0.0, 0.0, 0.0, 0.1), FAILED, []),
    ],
)
def test_vanishing_is_from_last_to_first(shares, losses, expected):
    record = a_run(SIGMOIDS, losses, signals=gradients(*shares))
    assert severities("vanishing-gradients", record) == expected


def test_a_recurrent_layer_over_many_steps_is_not_examined():
    weight = ParameterDescription("lstm1.weight", (1, 32), fan_in=1, fan_out=8, deviation=1.0)
    lstm = LayerDescription("lstm1", "LSTM", Role.RECURRENT, (200, 1), (8,), (weight,))
    record = a_run((lstm, dense(1, 8, 2), WHOLE))
    with pytest.raises(CannotTellError, match="200 steps"):
        severities("vanishing-gradients", record)


def test_exploding_over_updates():
    signals = looks("gradient_norm", "dense1.weight", 1.0, 1.0, 1e3, 1e6)
    signals += looks("weight_norm", "dense1.weight", *[1.0] * 4)
    severity, facts = one("exploding-gradients", a_run(RELUS, [0.7, 9.0, 99.0], signals=signals))
    assert (severity, facts["step"], facts["times"]) == ("critical", 20, 1e3)
    assert severities("exploding-gradients", a_run(RELUS, LEARNED, signals=signals)) == []


# First weights


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        ({"deviation": 0.0, "mean": 0.5}, "alike"),
        ({"deviation": 0.0}, "alike"),
        ({"deviation": 5.0}, "large"),
        ({"deviation": 1e-3}, "small"),
        ({}, None),
        # As PyTorch draws them.
        ({"deviation": 1 / math.sqrt(3 * 16)}, None),
    ],
)
def test_first_weights(first, fault):
    layers = chain("ReLU", 16, 16, 16, 2, **first)
    found = findings("bad-initialization", a_run(layers))
    assert [facts["fault"] for _, facts in found] == ([] if fault is None else [fault])
    learns_all_the_same = a_run(layers, LEARNED)
    assert severities("bad-initialization", learns_all_the_same) == []


def test_zeros_in_the_last_layer_are_no_fault():
    layers = (dense(1, 8, 16), activation("ReLU", 1, 16), dense(2, 16, 2, deviation=0.0), WHOLE)
    assert severities("bad-initialization", a_run(layers)) == []


def test_layers_that_shrink_signals_together():
    layers = chain("ReLU", *[16] * 7, 2, deviation=0.1)
    signals = []
    for number in range(1, 7):
        signals += looks("activation_deviation", f"dense{number}", 0.3**number)
    severity, facts = one("bad-initialization", a_run(layers, signals=signals))
    assert (severity, facts["fault"], facts["layers"]) == ("critical", "shrinking", 6)
    assert facts["passed"] == pytest.approx(0.3**5)


# Weights that do not learn


def test_weights_that_the_optimizer_was_not_given():
    signals = looks("unmoved_share", "dense1.weight", 1.0, 1.0)
    signals += looks("unmoved_share", "dense2.weight", 1.0, 0.0)
    signals += looks("unmoved_share", "dense3.weight", 1.0, 0.0)
    with_gradient = signals + gradients(0.1, 0.1, 0.1)
    severity, facts = one("parameters-not-learning", a_run(RELUS, signals=with_gradient))
    assert (severity, facts["fault"], facts["layers"]) == ("critical", "left out", ["dense1"])
    without = signals + gradients(0.0, 0.1, 0.1)
    assert (
        one("parameters-not-learning", a_run(RELUS, signals=without))[1]["fault"] == "no gradient"
    )
    swallowed = signals + gradients(1e-9, 0.1, 0.1)
    found = one("parameters-not-learning", a_run(RELUS, signals=swallowed))
    assert found[1]["fault"] == "rounded away"


def frozen(number, **first):
    return dense(number, 16, 16, learns=False, bias=0.0, **first)


def test_frozen_weights_are_a_fault_where_they_are_as_drawn():
    head = (activation("ReLU", 1, 16), dense(2, 16, 2), WHOLE)
    assert severities("parameters-not-learning", a_run((frozen(1), *head))) == ["critical"]
    trained = frozen(1, deviation=0.9)
    assert severities("parameters-not-learning", a_run((trained, *head))) == ["note"]
    assert severities("parameters-not-learning", a_run((frozen(1), *head), LEARNED)) == []


# Predictions that are all the same


@pytest.mark.parametrize(
    ("deviation", "losses", "expected"),
    [(1e-4, FAILED, ["critical"]), (0.2, FAILED, []), (1e-4, LEARNED, [])],
)
def test_constant_predictions(deviation, losses, expected):
    signals = looks("output_deviation", "", 0.1, deviation)
    assert severities("constant-prediction", a_run(RELUS, losses, signals=signals)) == expected


# Normalization


@pytest.mark.parametrize(
    ("batch", "shape", "expected"),
    [
        (1, (8,), ["critical"]),
        (2, (8,), ["critical"]),
        (4, (8,), ["warning"]),
        (32, (8,), []),
        (1, (6, 6, 8), []),
    ],
)
def test_normalization_over_next_to_no_rows(batch, shape, expected):
    norm = LayerDescription("norm1", "BatchNorm", Role.NORMALIZATION, shape, shape)
    record = a_run((norm, *RELUS), batch_size=batch)
    assert severities("normalization-on-tiny-batch", record) == expected
