"""How to train on a table when people leave it to us.

Tables get an ensemble in one network: several small networks side by side, each of which sees each
number also as waves of it. The numbers below were chosen by validation rows of the tables of the
benchmarks; the facts behind them are those of Holzmüller and others ("Better by default", 2024:
periodic embeddings, robust scaling, a falling rate) and Gorishniy and others ("TabM", 2024: the
mean of several small networks trained as one).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from misstep.ir import Array
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Choice, Integers, Reals
from misstep.modeling.plans.candidate import Candidate
from misstep.modeling.plans.plan import Plan, Planner
from misstep.nn import (
    Dense,
    Dropout,
    Ensemble,
    MemberDense,
    Module,
    PeriodicEmbedding,
    Sequential,
    layers_from_text,
)
from misstep.nn.losses import Loss
from misstep.text.counts import counted

# Members of an ensemble: 16 are hardly better than 8 and take twice as long.
MEMBERS = 8
# An ensemble is for tables of at least so many rows (below, a tenth to validate on says nothing
# about so many weights) and at most so many features (beyond, its first layer is most of the work).
FEWEST_ROWS_OF_MEMBERS = 200
MOST_FEATURES_OF_MEMBERS = 512
# Rows below which a table counts as small for an ensemble.
FEW_ROWS = 2000
# Hidden layers, of a member as of a single network.
DEPTH = 2
# Units of the hidden layers of each member, and what is dropped behind each. A class says less
# about a row than a number does, so that few rows with classes bear fewer weights.
UNITS, UNITS_FOR_FEW_CLASSES = 128, 64
DROP, DROP_FOR_FEW, DROP_FOR_CLASSES, DROP_FOR_FEW_CLASSES = 0.1, 0.2, 0.2, 0.3
# Waves of each number, how many mixtures of them the next layer sees, and the deviation of the
# highest frequencies: few rows can't tell fine grain from noise, few with classes none at all. Many
# with classes can tell even single values, such as the sums at which a form asks for another line;
# for numbers such grain was of no use.
WAVES, WAVES_FOR_FEW, WAVES_FOR_CLASSES = 32, 16, 48
MIXTURES, MIXTURES_FOR_FEW = 8, 4
HIGHEST, HIGHEST_FOR_FEW, HIGHEST_FOR_CLASSES = 16.0, 4.0, 64.0
# With more numbers than this the waves would be most of the work.
MOST_NUMBERS = 64
# The rate at the start: smaller steps where there are few rows, and so few updates to settle in.
RATE, RATE_FOR_FEW = 5e-3, 3e-3
# A single network, where rows come in parts or there are few rows or many features: units of its
# first layer (with few rows each further layer has half as many), what they go through, and what is
# dropped behind each.
UNITS_OF_ONE, UNITS_OF_ONE_FOR_FEW = 128, 32
ACTIVATION, ACTIVATION_OF_ONE_FOR_FEW = "silu", "relu"
DROP_OF_ONE, DROP_OF_ONE_FOR_FEW = 0.05, 0.0
FEW_ROWS_OF_ONE = 1000
# What a search looks through. A depth of 0 leaves a linear model.
MEMBERS_SEARCHED = Integers(1, 16)
UNITS_SEARCHED = Integers(16, 256, log=True)
DEPTH_SEARCHED = Integers(0, 4, least=0)
ACTIVATIONS = Choice(("silu", "relu", "gelu", "tanh"))
DROPOUT_SEARCHED = Reals(0.0, 0.5)
UPDATES_SEARCHED = Integers(300, 20_000, log=True)
# What else is worth a trial. Waves of numbers learn noise by heart where answers are noisy; and
# beside many of the small and noisy tables of this world nothing does better than a line, which
# bears larger steps than a network and needs fewer of them. The waves are what makes most tables
# better, so that they are given up only where that is certain; a line can do little harm.
WITHOUT_WAVES = Candidate("without waves of numbers", {"embeddings": False})
LINE = Candidate(
    "a linear model",
    {"members": 1, "depth": 0, "learning_rate": 0.01, "updates": 3_000},
    cheap=True,
    margin=1.0,
)
# Fewer rows can't tell.
FEWEST_ROWS_OF_TRIALS = 100
# An epoch has about this many updates of each member.
UPDATES_PER_EPOCH = 200
SMALLEST_BATCH, LARGEST_BATCH = 16, 256
# Updates of each member in all, within the bounds on epochs: for a number, and for each doubling of
# the number of classes. Classes are learned by heart long before a number is learned well, and only
# a learning rate that has fallen to its end lets the weights settle.
UPDATES_OF_MEMBERS, UPDATES_FOR_CLASSES = 5_600, 1_200
FEWEST_EPOCHS_OF_MEMBERS, MOST_EPOCHS_OF_MEMBERS = 5, 50
# The same of a single network.
UPDATES, UPDATES_FOR_MANY_ROWS_WITH_CLASSES = 9_000, 2_500
MANY_ROWS = 10_000
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100
# Rows that all members see in all epochs together: a few minutes on two cores at the very most.
MOST_ROWS_SEEN = 16_000_000


def plan_table(planner: Planner, numbers: Sequence[int] = (), members: int | None = None) -> Plan:
    """Return how to train on the rows of a table.

    `numbers`: positions of the features that are numbers rather than marks, as `number_positions`
    finds them. `members`: of the ensemble; 1: a single network; None: decided. Raises ArgumentError
    for options that can't be used, ShapeError for a network that does not fit.
    """
    rows, features = planner.rows, planner.features
    loss, outputs = planner.loss()
    module = planner.requested_network(outputs)
    if module is None:
        members = planner.hyperparameter(
            "members", MEMBERS_SEARCHED, members or default_members(rows, features)
        )
        if members > 1:
            module = _ensemble(planner, outputs, numbers, members)
            return _plan_members(planner, module, loss, members)
        module = _single(planner, outputs, numbers)
    batch = planner.batch_size()
    optimizer = planner.optimizer()
    early = rows >= MANY_ROWS and not planner.target.is_number
    updates = UPDATES_FOR_MANY_ROWS_WITH_CLASSES if early else UPDATES
    updates = int(planner.hyperparameter("updates", UPDATES_SEARCHED, updates))
    default = planner.epochs_for(updates, batch, FEWEST_EPOCHS, MOST_EPOCHS)
    early = _stops_early(planner)
    epochs, patience = planner.epochs(default, rows, batch, keeps_last=not early)
    return Plan(
        module,
        loss,
        optimizer,
        batch,
        epochs,
        patience,
        restore_best=early,
        candidates=_candidates(planner),
    )


def number_positions(features: Array) -> tuple[int, ...]:
    """Return which of `features` (rows, features) have more than two different values.

    Features of two values are marks: this category or not, missing or not.
    """
    if not len(features):
        return ()
    between = (features != features.min(axis=0)) & (features != features.max(axis=0))
    return tuple(int(position) for position in np.flatnonzero(between.any(axis=0)))


def default_members(rows: int, features: int) -> int:
    """Return of how many networks an ensemble is made; 1: of a single one."""
    if rows < FEWEST_ROWS_OF_MEMBERS or features > MOST_FEATURES_OF_MEMBERS:
        return 1
    return int(np.clip(MOST_ROWS_SEEN // (FEWEST_EPOCHS_OF_MEMBERS * rows), 1, MEMBERS))


def _plan_members(planner: Planner, module: Module, loss: Loss, members: int) -> Plan:
    rows, target = planner.rows, planner.target
    power = 2 ** round(np.log2(max(rows / UPDATES_PER_EPOCH, 1)))
    default = int(np.clip(power, SMALLEST_BATCH, LARGEST_BATCH))
    each = planner.batch_size(default, "{} for each member")
    optimizer = planner.optimizer(RATE_FOR_FEW if rows < FEW_ROWS else RATE)
    own = UPDATES_OF_MEMBERS
    if not target.is_number:
        own = round(UPDATES_FOR_CLASSES * np.log2(max(target.outputs, 2)))
    updates = int(planner.hyperparameter("updates", UPDATES_SEARCHED, own))
    most = min(MOST_EPOCHS_OF_MEMBERS, MOST_ROWS_SEEN // (rows * members))
    fewest = FEWEST_EPOCHS_OF_MEMBERS if updates == own else 1
    default = int(max(fewest, min(round(updates * each / rows), most)))
    batch = each * members
    early = _stops_early(planner)
    epochs, patience = planner.epochs(default, rows * members, batch, keeps_last=not early)
    return Plan(
        module,
        loss,
        optimizer,
        batch,
        epochs,
        patience,
        repeats_per_epoch=members,
        restore_best=early,
        candidates=_candidates(planner),
    )


def _stops_early(planner: Planner) -> bool:
    """Tell whether validation chooses among epochs; who asks for a patience wants that."""
    early = bool(planner.hyperparameter("early_stopping", Choice((True, False)), True))
    return early or planner.may_stop_early


def _candidates(planner: Planner) -> tuple[Candidate, ...]:
    """Return what else is worth a trial; nothing where a person chose the network."""
    if planner.options.network is not None or planner.rows < FEWEST_ROWS_OF_TRIALS:
        return ()
    waves = planner.space.get("embeddings")
    return (WITHOUT_WAVES, LINE) if waves is not None and waves.value else (LINE,)


def _ensemble(planner: Planner, outputs: int, numbers: Sequence[int], members: int) -> Module:
    few, of_classes = planner.rows < FEW_ROWS, not planner.target.is_number
    units, drop = UNITS, DROP
    if few:
        drop = DROP_FOR_FEW
    elif of_classes:
        drop = DROP_FOR_CLASSES
    if few and of_classes:
        units, drop = UNITS_FOR_FEW_CLASSES, DROP_FOR_FEW_CLASSES
    layers = _embedding(planner, numbers, default=not (few and of_classes))
    units = planner.hyperparameter("units", UNITS_SEARCHED, units)
    hidden, words = _hidden(planner, MemberDense, [units] * _depth(planner), ACTIVATION, drop)
    planner.decisions.add(
        "network",
        f"{members} members of {words}, then {outputs} out; the mean answers",
        "members err differently, so that their mean errs less than each of them",
    )
    return Ensemble(*layers, *hidden, MemberDense(outputs), members=members)


def _single(planner: Planner, outputs: int, numbers: Sequence[int]) -> Module:
    few = planner.rows < FEW_ROWS_OF_ONE
    layers = _embedding(planner, numbers, default=False)
    units = planner.hyperparameter(
        "units", UNITS_SEARCHED, UNITS_OF_ONE_FOR_FEW if few else UNITS_OF_ONE
    )
    depth = _depth(planner)
    hidden, words = _hidden(
        planner,
        Dense,
        [max(units >> layer, 1) if few else units for layer in range(depth)],
        ACTIVATION_OF_ONE_FOR_FEW if few else ACTIVATION,
        DROP_OF_ONE_FOR_FEW if few else DROP_OF_ONE,
    )
    reason = f"{planner.rows:,} rows of {planner.features} features give room for it"
    if few:
        reason = f"only {counted(planner.rows, 'row')}; a larger network would learn by heart"
    if planner.is_chosen("units", "depth", "activation", "dropout", "members"):
        reason = CHOSEN
    planner.decisions.add("network", f"{words}, then {outputs} out", reason)
    return Sequential(*layers, *hidden, Dense(outputs))


def _depth(planner: Planner) -> int:
    return int(planner.hyperparameter("depth", DEPTH_SEARCHED, DEPTH))


def _embedding(planner: Planner, numbers: Sequence[int], *, default: bool) -> list[Module]:
    """Return what lays waves of the numbers beside them, or nothing."""
    if not 0 < len(numbers) <= MOST_NUMBERS:
        return []
    if not planner.hyperparameter("embeddings", Choice((True, False)), default):
        return []
    waves, size, highest = WAVES, MIXTURES, HIGHEST
    if planner.rows < FEW_ROWS:
        waves, size, highest = WAVES_FOR_FEW, MIXTURES_FOR_FEW, HIGHEST_FOR_FEW
    elif not planner.target.is_number:
        waves, highest = WAVES_FOR_CLASSES, HIGHEST_FOR_CLASSES
    layer = PeriodicEmbedding(tuple(numbers), waves, size, highest=highest)
    reason = "a small network then sees the fine grain of a number, as trees do"
    planner.decisions.add("numbers", layer.describe(), reason)
    return [layer]


def _hidden(
    planner: Planner, dense: type[Dense], widths: Sequence[int], activation: str, drop: float
) -> tuple[list[Module], str]:
    """Return hidden layers of these widths, and what they are in one line."""
    activation = planner.hyperparameter("activation", ACTIVATIONS, activation)
    drop = planner.hyperparameter("dropout", DROPOUT_SEARCHED, drop)
    layers: list[Module] = []
    words = []
    for width in widths:
        layers += [dense(width), *layers_from_text(activation)]
        words.append(f"dense{width}-{activation}")
        if drop > 0:
            layers.append(Dropout(drop))
            words.append(f"drop{drop:g}")
    return layers, "-".join(words) if words else "no hidden layer"
