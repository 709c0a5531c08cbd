"""Networks described by hand for the rules about signals: layers in a row, with first numbers."""

import math
from itertools import pairwise

from data_records import a_record, classes

from misstep.record import LayerDescription, ParameterDescription, Role

WHOLE = LayerDescription("", "Sequential", Role.CONTAINER)
RELATIVES = {"ReLU": {"can_die": True}, "Tanh": {"bounds": (-1.0, 1.0)}}
RELATIVES |= {"Sigmoid": {"bounds": (0.0, 1.0)}, "Softmax": {"bounds": (0.0, 1.0)}}
BOTH = classes(200, 200)
FAILED = [0.69] * 6
LEARNED = [0.69, 0.2, 0.05, 0.02, 0.01, 0.01]


def dense(number, inputs, units, deviation=None, mean=0.0, learns=True, bias=None):
    deviation = math.sqrt(2.0 / inputs) if deviation is None else deviation
    weight = ParameterDescription(
        f"dense{number}.weight",
        (inputs, units),
        learns=learns,
        fan_in=inputs,
        fan_out=units,
        mean=mean,
        deviation=deviation,
        smallest=mean - 2 * deviation,
        largest=mean + 2 * deviation,
    )
    first = {} if bias is None else {"mean": bias, "smallest": bias, "largest": bias}
    shift = ParameterDescription(f"dense{number}.bias", (units,), learns, is_bias=True, **first)
    path = f"dense{number}"
    return LayerDescription(path, "Dense", Role.AFFINE, (inputs,), (units,), (weight, shift))


def activation(kind, number, units):
    path = f"{kind.lower()}{number}"
    return LayerDescription(path, kind, Role.ACTIVATION, (units,), (units,), **RELATIVES[kind])


def chain(kind, *widths, **first):
    """Return dense layers of these widths, each but the last with an activation behind it."""
    layers = []
    for number, (inputs, units) in enumerate(pairwise(widths), start=1):
        layers.append(dense(number, inputs, units, **first))
        if kind is not None and number < len(widths) - 1:
            layers.append(activation(kind, number, units))
    return (*layers, WHOLE)


def a_run(layers, losses=FAILED, answers=BOTH, signals=(), **description):
    width = next(one.output_shape for one in reversed(layers) if one.output_shape)
    return a_record(
        answers, losses, layers=layers, output_shape=width, signals=signals, **description
    )


def looks(name, path, *values, apart=10):
    """Return a signal at looks that are so many updates apart, the first before any."""
    return [(apart * at, name, path, value) for at, value in enumerate(values)]
