"""What a training says of itself: network, loss, optimizer and settings as facts for its record.

Joins layers of `nn` with the words of `record/description.py`; a kind of layer that is not named
here is told by what it is made of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from misstep.data import Rows
from misstep.ir import Array
from misstep.nn import Module, Network
from misstep.nn import activations as activations
from misstep.nn.attention import MultiHeadAttention
from misstep.nn.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose
from misstep.nn.embedding import Embedding, PositionalEncoding, PositionEmbedding
from misstep.nn.embedding_bag import EmbeddingBag
from misstep.nn.imported import ImportedLayer
from misstep.nn.initializers import Initializer
from misstep.nn.layers import Dense, Dropout, Flatten, Reshape
from misstep.nn.losses import Loss
from misstep.nn.parallel import Columns
from misstep.nn.periodic_embedding import PeriodicEmbedding
from misstep.nn.recurrent import GRU, LSTM, RNN
from misstep.nn.steps import Steps
from misstep.optim import Optimizer, Schedule, ScheduleContext
from misstep.record import (
    LayerDescription,
    LossDescription,
    Names,
    OptimizerDescription,
    ParameterDescription,
    PartDescription,
    Role,
    RunDescription,
    Task,
    overlap,
    summarize_answers,
    summarize_inputs,
    telling_column,
)
from misstep.train.chance import chance_loss, task_of
from misstep.train.straightness import is_affine

_ROLES: dict[Role, tuple[type[Module], ...]] = {
    Role.AFFINE: (Dense, Conv1D, Conv2D, Conv1DTranspose, Conv2DTranspose),
    Role.ACTIVATION: (activations.Activation,),
    Role.RECURRENT: (RNN, LSTM, GRU),
    Role.ATTENTION: (MultiHeadAttention,),
    Role.EMBEDDING: (
        Embedding,
        EmbeddingBag,
        PeriodicEmbedding,
        PositionEmbedding,
        PositionalEncoding,
    ),
    Role.DROPOUT: (Dropout,),
    Role.SHAPE: (Flatten, Reshape, Columns, Steps),
}
# Rooms of `nn` whose layers all do the same.
_ROLES_OF_ROOMS = {
    "augmentation": Role.DROPOUT,
    "noise": Role.DROPOUT,
    "normalization": Role.NORMALIZATION,
    "pooling": Role.POOLING,
    "rescaling": Role.NORMALIZATION,
    "temporal_pooling": Role.POOLING,
}
# The same of operators in a network that another tool made; the first that is known says it.
_ROLES_OF_OPERATORS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), Role.AFFINE),
    **dict.fromkeys(("GRU", "LSTM", "RNN", "Scan"), Role.RECURRENT),
    **dict.fromkeys(
        ("BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization"),
        Role.NORMALIZATION,
    ),
    **dict.fromkeys(("Gelu", "LeakyRelu", "Relu", "Sigmoid", "Tanh"), Role.ACTIVATION),
    "Gather": Role.EMBEDDING,
}
# A setting that is a longer text is no matter of a description.
LONGEST_SETTING = 1000
# At how many places of the plan the schedule's factor is told, both ends among them.
PLACES = 11


def role_of(layer: Module) -> Role:
    """Return what a layer does to what flows through."""
    for role, kinds in _ROLES.items():
        if isinstance(layer, kinds):
            return role
    if isinstance(layer, ImportedLayer):
        known = (_ROLES_OF_OPERATORS.get(operator) for operator in layer.operators)
        return next((role for role in known if role is not None), Role.OTHER)
    room = type(layer).__module__.removeprefix("misstep.nn.")
    if room in _ROLES_OF_ROOMS:
        return _ROLES_OF_ROOMS[room]
    return Role.CONTAINER if any(True for _ in layer.children()) else Role.OTHER


def describe_layers(network: Network) -> tuple[LayerDescription, ...]:
    """Return the layers in the order in which a row passes; the parts of a layer come before it."""
    layers = {path: layer for path, layer in network.layers.items() if isinstance(layer, Module)}
    root = network.module
    inputs, outputs = dict(network.inputs), dict(network.outputs)
    layers[""] = root
    inputs[""], outputs[""] = network.input_shape, network.output_shape
    parameters: dict[str, list[ParameterDescription]] = {}
    for slice_ in network.parameter_slices:
        asked = slice_.specification
        numbers = network.parameters[slice_.start : slice_.stop].astype("float64")
        path = asked.name.rpartition(".")[0]
        parameters.setdefault(path, []).append(
            ParameterDescription(
                asked.name,
                asked.shape,
                learns=not network.is_frozen(asked.name),
                fan_in=asked.fan_in,
                fan_out=asked.fan_out,
                is_bias=not asked.regularized,
                **_first_numbers(numbers),
            )
        )
    return tuple(
        LayerDescription(
            path,
            type(layer).__name__,
            role_of(layer),
            tuple(inputs.get(path, ())),
            tuple(outputs.get(path, ())),
            tuple(parameters.pop(path, ())),
            bounds=layer.bounds,
            can_die=layer.can_die,
            settings=plain_settings(layer),
            calls=network.calls.get(path, 1),
        )
        for path, layer in layers.items()
    )


def _first_numbers(numbers: Array) -> dict[str, float]:
    if not numbers.size:
        return {}
    return {
        "mean": float(numbers.mean()),
        "deviation": float(numbers.std()),
        "smallest": float(numbers.min()),
        "largest": float(numbers.max()),
    }


def plain_settings(part: Any) -> dict[str, Any]:
    """Return the settings of a layer, an optimizer … that plain JSON can hold."""
    if not dataclasses.is_dataclass(part):
        return {}
    settings: dict[str, Any] = {}
    for item in dataclasses.fields(part):
        value = getattr(part, item.name, None)
        if isinstance(value, Initializer):
            value = repr(value)
        if isinstance(value, tuple | list):
            value = list(value)
            if not all(isinstance(one, bool | int | float | str) for one in value):
                continue
        elif not isinstance(value, bool | int | float | str | None):
            continue
        if isinstance(value, str) and len(value) > LONGEST_SETTING:
            continue
        settings[item.name] = value
    return settings


def _part(part: Any) -> PartDescription:
    return PartDescription(type(part).__name__, plain_settings(part))


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a training goes, resolved to numbers.

    `updates`: in an epoch. `epochs`: planned in all.
    """

    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    clipping: Sequence[Any]
    regularizers: Sequence[Any]
    batch_size: int
    accumulate: int
    updates: int
    epochs: int
    shuffled: bool
    seed: int
    precision: str = "float32"
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    preparation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    names: Names = dataclasses.field(default_factory=Names)


def describe_run(
    network: Network, settings: Settings, rows: Rows, validation: Rows | None
) -> RunDescription:
    """Return what a training on `rows` says of itself before it begins."""
    loss = settings.loss
    task = task_of(loss)
    positions = network.position_limits is not None
    classes = network.output_shape[-1] if task is Task.CLASSES and network.output_shape else 0
    shape, dtype = network.output_shape, network.dtype
    names, preparation = settings.names, dict(settings.preparation)
    if names.rows is not None:
        preparation["rows_counted_from"] = 1
    of_loss = {name: one for name, one in plain_settings(loss).items() if one is not None}
    described = RunDescription(
        layers=describe_layers(network),
        loss=LossDescription(
            type(loss).__name__,
            task,
            takes="numbers" if task is Task.NUMBERS else "logits",
            settings=of_loss,
        ),
        optimizer=OptimizerDescription(
            type(settings.optimizer).__name__,
            float(settings.optimizer.learning_rate),
            plain_settings(settings.optimizer),
        ),
        input_shape=tuple(network.input_shape),
        output_shape=tuple(shape),
        schedule=_part(settings.schedule),
        schedule_factors=tuple(_factors(settings)),
        clipping=tuple(map(_part, settings.clipping)),
        penalties=tuple(map(_part, settings.regularizers)),
        batch_size=settings.batch_size,
        accumulate=settings.accumulate,
        updates_per_epoch=settings.updates,
        epochs=settings.epochs,
        shuffled=settings.shuffled,
        seed=settings.seed,
        precision=settings.precision,
        origin=dict(settings.origin),
        preparation=preparation,
        telling=None
        if positions
        else names.of_telling(telling_column(rows.x, rows.y, task), rows.x[:1].size),
        inputs=names.of_inputs(summarize_inputs(rows.x, positions=positions)),
        answers=names.of_answers(
            summarize_answers(rows.y, task, classes, chance_loss(loss, rows.y, shape, dtype))
        ),
        validation_inputs=None
        if validation is None
        else dataclasses.replace(names, rows=None).of_inputs(
            summarize_inputs(validation.x, positions=positions)
        ),
        validation_answers=None
        if validation is None
        else summarize_answers(
            validation.y, task, classes, chance_loss(loss, validation.y, shape, dtype)
        ),
        validation_overlap=None if validation is None else overlap(rows.x, validation.x),
    )
    return dataclasses.replace(described, affine=is_affine(network, described, rows.x))


def _factors(settings: Settings) -> Iterator[float]:
    """Yield the schedule's factors along the plan, as far as nobody needs to know the losses."""
    total = max(settings.updates * settings.epochs, 1)
    for place in range(PLACES):
        step = min(total - 1, place * total // (PLACES - 1))
        context = ScheduleContext(step, settings.updates, total)
        yield float(np.asarray(settings.schedule.factors(context, 1, {}))[0])
