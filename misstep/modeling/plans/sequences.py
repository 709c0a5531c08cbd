"""How to train on recorded sequences when people leave it to us.

Several convolutional networks of different reach look at a sequence and vote; each pools over time
and has a linear path from a plain summary beside it. Chosen by cross-validation on the training
rows of small sets (40 and 251 sequences), where an LSTM alone is far behind.
"""

from __future__ import annotations

from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Integers, Reals
from misstep.modeling.plans.plan import Plan, Planner
from misstep.nn import (
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    GaussianNoise,
    LayerNorm,
    Module,
    Parallel,
    ReLU,
    Sequential,
    Steps,
    TemporalPooling,
    TemporalSummary,
)

# Steps that the three convolutions of each voter see at once. On 251 sequences, voters of different
# reach had a cross-validated loss of 0.18, three alike 0.21, one alone 0.25; accuracy 0.944, 0.940
# and 0.924.
REACHES = ((7, 5, 3), (11, 7, 5), (5, 3, 3))
# Filters of each convolution, below and from MANY_ROWS sequences.
FILTERS, FILTERS_FOR_MANY = 16, 32
MANY_ROWS = 1000
# Pooling over the whole, its halves and its quarters tells roughly when something was (accuracy
# 0.918 against 0.898 over the whole alone).
PIECES = (1, 2, 4)
# Of the standardized channels: 0.3 and 0.2 did alike, 0.1 and none had a larger loss.
NOISE = 0.2
DROPOUT = 0.5
# Passes over small sets: 100 did no better than 60. Larger sets need fewer for as many updates, and
# validation rows enough to stop by.
MOST_EPOCHS, FEWEST_EPOCHS = 60, 15
UPDATES = 2_000


# What a search looks through.
FILTERS_SEARCHED = Integers(4, 64, log=True)
NOISE_SEARCHED, DROPOUT_SEARCHED = Reals(0.0, 0.5), Reals(0.0, 0.7)


def plan_sequences(planner: Planner, shape: tuple[int, int]) -> Plan:
    """Return how to train on flat rows of sequences of `shape`: most steps, channels.

    Raises ArgumentError for options that can't be used, ShapeError for a network that does not fit.
    """
    rows = planner.rows
    loss, outputs = planner.loss()
    module = planner.requested_network(outputs, shape, front=Steps(*shape))
    if module is None:
        filters = FILTERS if rows < MANY_ROWS else FILTERS_FOR_MANY
        filters = planner.hyperparameter("filters", FILTERS_SEARCHED, filters)
        noise = planner.hyperparameter("noise", NOISE_SEARCHED, NOISE)
        dropout = planner.hyperparameter("dropout", DROPOUT_SEARCHED, DROPOUT)
        module = voters(shape, outputs, filters, noise, dropout)
        reaches = ", ".join(str(sum(reach) - len(reach) + 1) for reach in REACHES)
        planner.decisions.add(
            "network",
            f"{len(REACHES)} convolutional networks that vote; they see {reaches} steps at once",
            CHOSEN
            if planner.is_chosen("filters", "dropout")
            else f"what happens matters more than when: convolution and pooling learn from "
            f"{rows:,} sequences what a recurrent network would need many more for",
        )
        planner.decisions.add(
            "noise",
            f"{noise:g} deviations on each channel, drawn anew at each update",
            CHOSEN
            if planner.is_chosen("noise")
            else "it keeps a small set from being learned by heart",
        )
    batch = planner.batch_size()
    optimizer = planner.optimizer(reason="a falling rate settles the weights")
    default = planner.epochs_for(UPDATES, batch, FEWEST_EPOCHS, MOST_EPOCHS)
    keeps_last = rows < MANY_ROWS and not planner.may_stop_early
    epochs, patience = planner.epochs(default, rows, batch, keeps_last=keeps_last)
    return Plan(module, loss, optimizer, batch, epochs, patience, restore_best=not keeps_last)


def voters(
    shape: tuple[int, int],
    outputs: int,
    filters: int,
    noise: float = NOISE,
    dropout: float = DROPOUT,
) -> Module:
    """Return the default network for flat rows of sequences of `shape`: steps, channels."""

    def voter(reach: tuple[int, ...]) -> Module:
        convolutions: list[Module] = []
        for size in reach:
            # LayerNorm rather than BatchNorm: batches of 16 short sequences say little about means.
            convolutions += [Conv1D(filters, size, padding="same"), LayerNorm(), ReLU()]
        seen = Sequential(*convolutions, TemporalPooling(PIECES))
        return Sequential(
            Parallel(seen, TemporalSummary()), BatchNorm(), Dropout(dropout), Dense(outputs)
        )

    return Sequential(
        Steps(*shape), GaussianNoise(noise), Parallel(*map(voter, REACHES), join="mean")
    )
