"""Rules about data, on records made by hand: where each speaks, how loudly, and where not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from data_records import (
    DENSE,
    NORM,
    TANH,
    a_record,
    classes,
    feature,
    findings,
    inputs,
    numbers,
    severities,
)

from misstep.doctor import CannotTellError, Evidence, registered_rules
from misstep.doctor.success import Success, still_falling, success
from misstep.record import LossDescription, OptimizerDescription, Task, TellingColumn

NO_GAIN = [0.69] * 10
SOME_GAIN = [0.69, 0.6, 0.5, 0.45, 0.44, 0.43, 0.42, 0.42, 0.42, 0.42]
WELL = [0.69, 0.3, 0.1, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02]
BOTH = classes(200, 200)
PIXELS = [feature(str(number), 60.0, 80.0, smallest=0.0, largest=255.0) for number in range(20)]
PLAIN = [feature("0"), feature("1")]


# How far training got


@pytest.mark.parametrize(
    ("losses", "reached"),
    [
        ((), Success.UNTRAINED),
        ([0.69, math.nan], Success.FAILED),
        ([0.69, 2.0], Success.FAILED),
        (NO_GAIN, Success.NOTHING),
        (SOME_GAIN, Success.SOME),
        (WELL, Success.WELL),
    ],
)
def test_success(losses, reached):
    assert success(Evidence(a_record(BOTH, losses))) is reached


def test_success_where_chance_is_not_known():
    answers = numbers(0.0, 1.0)
    record = a_record(answers, [1.0])
    object.__setattr__(answers, "chance_loss", None)
    with pytest.raises(CannotTellError):
        success(Evidence(record))


def test_many_rows_right_is_well_whatever_the_loss():
    right = [(100, "probe_accuracy", "", 0.97)]
    assert success(Evidence(a_record(BOTH, SOME_GAIN, signals=right))) is Success.WELL
    mostly_one = classes(390, 10)
    assert success(Evidence(a_record(mostly_one, [0.117] * 5, signals=right))) is Success.NOTHING


def test_a_run_that_has_only_begun_is_not_judged():
    with pytest.raises(CannotTellError):
        success(Evidence(a_record(BOTH, [0.69], epochs=50)))
    assert success(Evidence(a_record(BOTH, [0.69, math.nan], epochs=50))) is Success.FAILED


def test_still_falling():
    assert still_falling(Evidence(a_record(BOTH, [1.0 - 0.02 * step for step in range(30)])))
    assert not still_falling(Evidence(a_record(BOTH, [0.5] * 30)))


# Inputs


def test_pixels_are_unscaled_where_nothing_was_learned():
    record = a_record(BOTH, NO_GAIN, inputs=inputs(*PIXELS), start=8.0)
    ((severity, facts),) = findings("unscaled-inputs", record)
    assert severity == "critical"
    assert facts["largest"] == 255.0
    assert facts["size"] == pytest.approx(100.0)
    rule = registered_rules()["unscaled-inputs"]
    assert "x / 255" in rule.remedy(facts)
    assert "dense1" in rule.symptom(facts)


def test_pixels_are_unscaled_before_training_and_where_some_was_learned():
    for losses in ((), SOME_GAIN):
        record = a_record(BOTH, losses, inputs=inputs(*PIXELS))
        assert severities("unscaled-inputs", record) == ["warning"]


@pytest.mark.parametrize(
    ("losses", "layers", "features"),
    [
        (WELL, (DENSE, TANH), PIXELS),
        (NO_GAIN, (NORM, DENSE, TANH), PIXELS),
        (NO_GAIN, (DENSE, TANH), PLAIN),
        (NO_GAIN, (DENSE, TANH), [feature("0", 0.5, 0.3), feature("1", -1.0, 0.02)]),
    ],
)
def test_inputs_are_fine(losses, layers, features):
    record = a_record(BOTH, losses, layers, inputs=inputs(*features))
    assert severities("unscaled-inputs", record) == []


def test_one_column_outweighs_the_others():
    features = [*PLAIN, feature("2", 52000.0, 15000.0), feature("3")]
    ((severity, facts),) = findings(
        "unscaled-inputs", a_record(BOTH, SOME_GAIN, inputs=inputs(*features))
    )
    assert severity == "warning"
    assert facts["column"] == "2"
    assert facts["times_the_others"] == pytest.approx(15000.0)
    assert "15,000 times" in registered_rules()["unscaled-inputs"].symptom(facts)


def test_inputs_that_were_divided_twice():
    features = [feature("0", 0.002, 0.001), feature("1", 0.001, 0.001)]
    ((_, facts),) = findings("unscaled-inputs", a_record(BOTH, NO_GAIN, inputs=inputs(*features)))
    assert "divided twice" in registered_rules()["unscaled-inputs"].remedy(facts)


def test_a_learning_rate_that_is_absurd_anyway_is_no_matter_of_inputs():
    features = inputs(feature("0", 8.0, 4.0), feature("1", 8.0, 4.0))
    fast = OptimizerDescription("SGD", 10.0)
    record = a_record(BOTH, [0.69, math.nan], inputs=features, optimizer=fast)
    assert severities("unscaled-inputs", record) == []
    slow = OptimizerDescription("SGD", 0.1)
    record = a_record(BOTH, [0.69, math.nan], inputs=features, optimizer=slow)
    assert severities("unscaled-inputs", record) == ["critical"]


def test_nothing_is_said_of_inputs_that_nobody_described():
    with pytest.raises(CannotTellError):
        findings("unscaled-inputs", a_record(BOTH, NO_GAIN))


def test_constant_inputs():
    still = [feature(str(number), 1.0, 0.0) for number in range(10)]
    all_same = a_record(BOTH, NO_GAIN, inputs=inputs(*still))
    assert severities("constant-input", all_same) == ["critical"]
    same_rows = a_record(BOTH, NO_GAIN, inputs=inputs(*PLAIN, duplicates=399))
    assert severities("constant-input", same_rows) == ["critical"]
    nearly = [*still, feature("10")]
    assert severities("constant-input", a_record(BOTH, NO_GAIN, inputs=inputs(*nearly))) == [
        "critical"
    ]
    assert severities("constant-input", a_record(BOTH, WELL, inputs=inputs(*nearly))) == ["note"]
    one = [*PLAIN, feature("2", 1.0, 0.0)]
    assert severities("constant-input", a_record(BOTH, NO_GAIN, inputs=inputs(*one))) == ["note"]
    large = [*PLAIN, feature("2", -1000.0, 0.0)]
    ((severity, facts),) = findings("constant-input", a_record(BOTH, [], inputs=inputs(*large)))
    assert (severity, facts["column"], facts["value"]) == ("warning", "2", 1000.0)


def test_constant_columns_that_were_left_out_are_a_note():
    gone = [{"name": "country", "because": "all are DE"}, {"name": "b", "because": "empty"}]
    preparation = {"constant_columns": gone}
    record = a_record(BOTH, [], inputs=inputs(*PLAIN), preparation=preparation)
    ((severity, facts),) = findings("constant-input", record)
    assert severity == "note"
    words = registered_rules()["constant-input"].symptom(facts)
    assert words == "Columns country (all are DE), b (empty) say nothing, and are left out."


# Outliers


def test_answers_far_out_rule_a_square_loss():
    far = {"deviation": 50.0, "spread": 1.0, "outliers": 2, "outlier_rows": (7, 230)}
    answers = numbers(0.0, largest=1000.0, **far)
    record = a_record(answers, [2000.0, 1900.0], inputs=inputs(*PLAIN))
    ((severity, facts),) = findings("outliers", record)
    assert severity == "warning"
    assert facts["rows"] == [7, 230]
    assert facts["rows_counted_from"] == 0
    assert facts["spreads"] == pytest.approx(1000.0)
    fitted = a_record(answers, [2000.0, 0.1], inputs=inputs(*PLAIN))
    assert severities("outliers", fitted) == ["note"]
    robust = LossDescription("Huber", Task.NUMBERS)
    record = a_record(answers, [900.0, 800.0], inputs=inputs(*PLAIN), loss=robust)
    assert severities("outliers", record) == ["note"]


def test_inputs_far_out_press_the_others_together():
    pressed = feature("age", 0.0, 1.0, spread=0.01, outliers=3, outlier_rows=(5,), largest=12.0)
    for losses, said in ((NO_GAIN, "critical"), (SOME_GAIN, "warning"), (WELL, "note")):
        record = a_record(BOTH, losses, inputs=inputs(pressed, feature("1")))
        assert severities("outliers", record) == [said]
    many = feature("age", 0.0, 1.0, spread=0.01, outliers=60, largest=12.0)
    record = a_record(BOTH, NO_GAIN, inputs=inputs(many, feature("1")))
    assert severities("outliers", record) == []


# Answers


def test_answers_far_from_the_outputs():
    houses = numbers(200000.0, 60000.0)
    crawling = a_record(houses, [4.4e10, 4.39e10], start=4.4e10)
    ((severity, facts),) = findings("unscaled-target", crawling)
    assert severity == "critical"
    assert "(y - 200000) / 60000" in registered_rules()["unscaled-target"].remedy(facts)
    assert severities("unscaled-target", a_record(houses, [], start=4.4e10)) == ["warning"]
    assert severities("unscaled-target", a_record(houses, [math.nan], start=4.4e10)) == ["critical"]
    learned = a_record(houses, [4.4e10, 4e8], start=4.4e10)
    assert severities("unscaled-target", learned) == []
    noisy = a_record(houses, [3.6e9 * 0.7] * 20, start=4.4e10)
    assert severities("unscaled-target", noisy) == []
    falling = a_record(houses, [3.6e9 * (0.95 - 0.015 * step) for step in range(20)], start=4.4e10)
    assert severities("unscaled-target", falling) == ["warning"]


def test_answers_that_a_bias_meets_from_the_start():
    record = a_record(numbers(100.0, 1.0), [1.0] * 5, start=1.1)
    assert severities("unscaled-target", record) == []


def test_answers_that_outputs_drown():
    record = a_record(numbers(0.0, 0.001), [1.0, 0.5, 0.1], start=1.0)
    assert severities("unscaled-target", record) == ["critical"]
    assert severities("unscaled-target", a_record(BOTH, NO_GAIN)) == []


def test_a_rare_class_that_is_lost():
    rare = classes(970, 30)
    chance = rare.chance_loss
    judged = {"validation_answers": classes(291, 9), "inputs": inputs(*PLAIN)}
    lost = [(50, "validation_recall", "0", 1.0), (50, "validation_recall", "1", 0.0)]
    record = a_record(rare, [chance * 0.9] * 5, signals=lost, **judged)
    ((severity, facts),) = findings("class-imbalance", record)
    assert severity == "critical"
    assert (facts["class"], facts["recall"], facts["validation_rows"]) == ("1", 0.0, 9)
    found = [(50, "validation_recall", "0", 1.0), (50, "validation_recall", "1", 0.8)]
    record = a_record(rare, [chance * 0.3] * 5, signals=found, **judged)
    assert severities("class-imbalance", record) == ["note"]
    judged["validation_answers"] = classes(60, 2)
    record = a_record(rare, [chance * 0.9] * 5, signals=lost, **judged)
    assert severities("class-imbalance", record) == ["warning"]


def test_a_constant_answer_without_validation():
    rare = classes(970, 30)
    assert severities("class-imbalance", a_record(rare, [rare.chance_loss] * 5)) == ["warning"]
    better = [rare.chance_loss * 0.7] * 5
    assert severities("class-imbalance", a_record(rare, better)) == ["note"]
    never = [(50, "output_largest", "", 0.3)]
    record = a_record(rare, better, signals=never, output_shape=(1,))
    assert severities("class-imbalance", record) == ["warning"]
    assert severities("class-imbalance", a_record(rare, [])) == ["note"]
    assert severities("class-imbalance", a_record(classes(1000, 5), [])) == ["warning"]
    assert severities("class-imbalance", a_record(classes(90, 10), NO_GAIN)) == []


def test_names_of_classes_are_used():
    rare = classes(970, 30, names=("ham", "spam"))
    lost = [(50, "validation_recall", "spam", 0.0)]
    record = a_record(rare, [0.13] * 5, signals=lost, validation_answers=classes(291, 9))
    ((_, facts),) = findings("class-imbalance", record)
    assert facts["class"] == "spam"


# Order and splits


def test_sorted_rows_in_the_order_given():
    sorted_rows = classes(200, 200, order_share=0.99)
    forgot = [(100, "probe_loss", "", 1.5), (100, "probe_accuracy", "", 0.5)]
    record = a_record(sorted_rows, [0.1] * 10, signals=forgot, shuffled=False)
    ((severity, facts),) = findings("unshuffled", record)
    assert severity == "critical"
    assert facts["accuracy_afterwards"] == 0.5
    assert severities("unshuffled", a_record(sorted_rows, [], shuffled=False)) == ["warning"]
    learned = [(100, "probe_loss", "", 0.02), (100, "probe_accuracy", "", 1.0)]
    record = a_record(sorted_rows, WELL, signals=learned, shuffled=False)
    assert severities("unshuffled", record) == []
    for changed in ({"shuffled": True}, {"shuffled": False, "updates_per_epoch": 1}):
        record = a_record(sorted_rows, [0.1] * 10, signals=forgot, **changed)
        assert severities("unshuffled", record) == []
    mixed = classes(200, 200, order_share=0.02)
    record = a_record(mixed, [0.1] * 10, signals=forgot, shuffled=False)
    assert severities("unshuffled", record) == []


def test_rows_on_both_sides():
    about = {"validation_inputs": inputs(*PLAIN, rows=100), "inputs": inputs(*PLAIN)}
    for overlap, said in ((1.0, ["critical"]), (0.3, ["warning"]), (0.0, [])):
        record = a_record(BOTH, WELL, validation_overlap=overlap, **about)
        assert severities("leakage", record) == said
    about["inputs"] = inputs(*PLAIN, duplicates=300)
    assert severities("leakage", a_record(BOTH, WELL, validation_overlap=0.8, **about)) == []
    about["inputs"] = inputs(*PLAIN, rows=4)
    assert severities("leakage", a_record(BOTH, WELL, validation_overlap=1.0, **about)) == []
    assert severities("leakage", a_record(BOTH, WELL)) == []


def test_columns_that_tell_the_answer():
    leak = {"columns": ["casual", "registered"], "words": "casual + registered is count"}
    record = a_record(numbers(), [], preparation={"leaks": [leak]})
    ((severity, facts),) = findings("leakage", record)
    assert severity == "warning"
    rule = registered_rules()["leakage"]
    assert rule.symptom(facts) == "Columns may give the answer away: casual + registered is count."
    assert "--without casual --without registered" in rule.remedy(facts)


def test_an_input_that_is_the_answer():
    columns = inputs(*[feature(str(number)) for number in range(4)])
    for share, others, said in ((0.99995, 0.2, ["warning"]), (0.9, 0.2, []), (0.99, 0.9, [])):
        telling = TellingColumn("3", share, others)
        assert severities("leakage", a_record(BOTH, WELL, inputs=columns, telling=telling)) == said
        record = a_record(numbers(), [0.1], inputs=columns, telling=telling)
        assert severities("leakage", record) == []
    record = a_record(BOTH, [], inputs=columns, telling=telling, preparation={"leaks": []})
    assert severities("leakage", record) == []


def test_a_class_that_fares_worse_than_the_largest():
    uneven = classes(330, 60, 50)
    judged = {"validation_answers": classes(90, 20, 15), "inputs": inputs(*PLAIN)}
    for recalls, said in (
        ((0.97, 0.5, 0.4), ["warning"]),
        ((0.97, 0.7, 0.8), []),
        ((0.7, 0.5, 0.4), []),
        ((0.97, 0.9, 0.0), ["critical"]),
    ):
        seen = [(50, "validation_recall", str(k), recall) for k, recall in enumerate(recalls)]
        record = a_record(uneven, [0.4] * 5, signals=seen, **judged)
        assert severities("class-imbalance", record) == said


def test_inputs_off_center_small_ones_and_what_large_ones_cost():
    off = inputs(feature("0", 4.0, 1.0), feature("1", 3.5, 1.0))
    assert severities("unscaled-inputs", a_record(BOTH, SOME_GAIN, inputs=off)) == ["warning"]
    small = inputs(feature("0", 0.0, 0.1), feature("1", 0.0, 0.08))
    assert severities("unscaled-inputs", a_record(BOTH, SOME_GAIN, inputs=small)) == []
    assert severities("unscaled-inputs", a_record(BOTH, NO_GAIN, inputs=small)) == ["critical"]
    large = {"inputs": inputs(*PIXELS), "start": 30.0}
    assert severities("unscaled-inputs", a_record(BOTH, WELL, **large)) == []
    most = [0.69, 0.3, 0.13, 0.12, 0.12, 0.12]
    assert severities("unscaled-inputs", a_record(BOTH, most, **large)) == ["warning"]


def test_columns_that_stand_at_a_number():
    odd = inputs(*PLAIN, feature("2", 0.5, 0.0))
    assert severities("constant-input", a_record(BOTH, SOME_GAIN, inputs=odd)) == ["warning"]
    assert severities("constant-input", a_record(BOTH, WELL, inputs=odd)) == ["note"]
    dark = inputs(*PLAIN, feature("2", 0.0, 0.0))
    assert severities("constant-input", a_record(BOTH, SOME_GAIN, inputs=dark)) == ["note"]


def test_a_pixel_that_is_seldom_light_is_no_outlier():
    seldom = feature("0", 0.01, 0.06, spread=0.02, outliers=4, smallest=0.0, largest=1.0)
    pixels = [feature(str(k), 0.3, 0.35, smallest=0.0, largest=1.0) for k in range(1, 5)]
    assert severities("outliers", a_record(BOTH, NO_GAIN, inputs=inputs(seldom, *pixels))) == []


def test_one_class_leaves_nothing_to_tell_apart():
    record = a_record(classes(40, 0, chance=1e-9), [0.5, 0.2])
    ((severity, facts),) = findings("class-imbalance", record)
    assert (severity, facts["only_class"], facts["rows"]) == ("warning", "0", 40)
    assert findings("class-imbalance", a_record(classes(1, 0, chance=1e-9), [0.5])) == []
    # Nothing is measured by a chance loss of nothing.
    assert np.isnan(Evidence(record).chance_loss)
    assert findings("too-few-epochs", record) == []
    with pytest.raises(CannotTellError, match="all answers are the same"):
        success(Evidence(record))


def test_a_sample_of_sorted_rows_is_not_taken_for_all_of_them():
    some = replace(classes(40, 0), rows=80)
    assert findings("class-imbalance", a_record(some, [0.5])) == []


def test_inputs_that_are_no_numbers_make_a_loss_that_is_none():
    whole = feature(missing_share=0.25)
    went_in = replace(inputs(feature()), whole=whole)
    record = a_record(numbers(), [float("nan")], inputs=went_in)
    ((severity, facts),) = findings("not-a-number", record)
    assert (severity, facts["missing_share"]) == ("critical", 0.25)
