"""Targets with the minus of typesetters, U+2212, are numbers, or classes as they stand."""

from misstep.data.target_recognition import recognize_target

ANSWERS = ["−1", "−2", "−3"] * 8


def test_a_typesetters_minus_is_a_number_or_a_class() -> None:
    assert recognize_target(ANSWERS, "y", "regression").is_number
    assert recognize_target(ANSWERS, "y", "classification").classes == ("−3", "−2", "−1")
