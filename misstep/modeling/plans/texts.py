"""How to train on texts, alone or among the columns of a table, when people leave it to us.

The default is a linear model on a text's words and pairs of words, started at 0, added to what a
small network makes of everything that is a plain number. Why no words in their order: up to several
hundred thousand texts, counts of words and pairs are not beaten by networks that read (Zhang, Zhao
and LeCun, 2015, "Character-level convolutional networks for text classification"; Wang and
Manning, 2012). By cross-validation here, a hidden layer on the terms lost 0.3 points on 2,400
reviews and gained none on 4,000 short messages; parts of words gained none either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from misstep.data import TextSlice, read_vectors
from misstep.errors import ArgumentError, MisstepError, ShapeError
from misstep.modeling.decisions import CHOSEN
from misstep.modeling.hyperparameters import Choice, Integers, Reals
from misstep.modeling.options import Options
from misstep.modeling.plans.plan import Plan, Planner, default_loss, is_imported, layers_of
from misstep.modeling.plans.tables import plan_table
from misstep.modeling.plans.unfit_network import unfit_part
from misstep.nn import (
    Columns,
    Dense,
    Embedding,
    EmbeddingBag,
    Flatten,
    Module,
    Network,
    Parallel,
    Sequential,
    layers_from_text,
)
from misstep.nn.initializers import Zeros

# What the signals of texts go through; larger ones learn by heart what eleven numbers say.
SIGNAL_UNITS, SIGNAL_DROPOUT = 16, 0.2
# Features of a term where a person's own layers follow, and texts from which on such vectors, added
# up for each text, stand beside the linear model: pooled vectors of words match counts of words and
# pairs on about a hundred thousand texts (Joulin and others, 2017, "Bag of tricks").
VECTOR, POOLED_NETWORK, MANY_TEXTS = 32, "drop0.5-dense32", 100_000
# What a search looks through: of the signals' network, and whether pooled vectors stand beside the
# linear model, of how many features.
UNITS_SEARCHED, DROPOUT_SEARCHED = Integers(4, 64, log=True), Reals(0.0, 0.5)
VECTOR_SEARCHED = Integers(8, 128, log=True)
# Weight updates in all; reviews and messages were best after 1,500 to 2,000, and the cosine must
# come to its end.
UPDATES = 2_300
FEWEST_EPOCHS, MOST_EPOCHS = 5, 100


def reads_in_order(network: str | Module | None) -> bool:
    """Tell whether a network that a person asked for takes numbers of words, as Embedding does."""
    if isinstance(network, Module):
        return any(isinstance(module, Embedding) for module in _modules(network))
    return network is not None and not is_imported(network) and "embed" in network.lower()


def check_vectors(options: Options) -> None:
    """Raise ArgumentError where vectors of words were asked for, and no network reads words."""
    if options.vectors is None or reads_in_order(options.network):
        return
    raise ArgumentError(
        f"--vectors {options.vectors}",
        needed="a network that reads the words of texts in their order",
        got="no --network" if options.network is None else f"--network {options.network}",
        try_="--network embed25-lstm32, where 25 is how many numbers a vector has",
    )


def plan_texts(
    planner: Planner,
    texts: Sequence[TextSlice],
    numbers: Sequence[int] = (),
    members: int | None = None,
) -> Plan:
    """Return how to train on rows with texts.

    `texts`: where they stand in a row. `numbers`, `members`: as for a table. Raises ArgumentError
    for options that can't be used, ShapeError for a network that does not fit.
    """
    plain = _plain_spans(planner.features, texts)
    signals = sum(text.looked_up - text.start for text in texts)
    count = sum(stop - start for start, stop in plain)
    if planner.options.network is None and count > signals:
        # The table's own plan, for all that is a plain number.
        outputs = default_loss(planner.target)[1]
        beside = _linear_models(planner, texts, outputs, "the network below")
        order = [position for start, stop in plain for position in range(start, stop)]
        seen = [order.index(position) for position in numbers if position in order]
        plan = plan_table(replace(planner, features=count), seen, members)
        front = Sequential(_columns(plain), *layers_of(plan.module))
        return replace(plan, module=_summed([front, *beside]))
    loss, outputs = planner.loss()
    if planner.options.network is None:
        module = _default_network(planner, plain, texts, outputs)
        reason = "a term's weight may move far enough in some thousand updates"
    else:
        module = _requested_network(planner, plain, texts, outputs)
        reason = "it works on most networks without tuning"
    batch = planner.batch_size()
    optimizer = planner.optimizer(reason=reason)
    default = planner.epochs_for(UPDATES, batch, FEWEST_EPOCHS, MOST_EPOCHS)
    epochs, patience = planner.epochs(default, planner.rows, batch)
    return Plan(module, loss, optimizer, batch, epochs, patience)


def _default_network(
    planner: Planner, plain: list[tuple[int, int]], texts: Sequence[TextSlice], outputs: int
) -> Module:
    """Return a linear model on terms, added to a small network on signals."""
    branches: list[Module] = []
    if plain:
        units = planner.hyperparameter("units", UNITS_SEARCHED, SIGNAL_UNITS)
        drop = planner.hyperparameter("dropout", DROPOUT_SEARCHED, SIGNAL_DROPOUT)
        line = f"dense{units}" + (f"-drop{drop:g}" if drop else "")
        layers = layers_from_text(line)
        last = Dense(outputs, initializer=Zeros())
        branches.append(Sequential(_columns(plain), *layers, last))
        planner.decisions.add(
            "network",
            f"{line}, then {outputs} out, for the signals of texts",
            CHOSEN
            if planner.is_chosen("units", "dropout")
            else f"they are {sum(stop - start for start, stop in plain)} numbers",
        )
    beside = _linear_models(planner, texts, outputs, "it" if branches else "")
    return _summed([*branches, *beside])


def _linear_models(
    planner: Planner, texts: Sequence[TextSlice], outputs: int, what: str
) -> list[Module]:
    """Return what stands beside the network on plain numbers: a linear model for each text."""
    rows = planner.rows
    branches: list[Module] = []
    terms = sum(text.terms - 1 for text in texts if text.slots)
    pooled, vector = False, VECTOR
    if terms:
        pooled = planner.hyperparameter("pooled", Choice((True, False)), rows >= MANY_TEXTS)
    if pooled:
        vector = planner.hyperparameter("vector", VECTOR_SEARCHED, VECTOR)
    for text in texts:
        if text.slots:
            looked_up = Columns(text.looked_up, text.looked_up + 2 * text.slots)
            bag = EmbeddingBag(text.terms, outputs, bias=not branches, initializer=Zeros())
            branches.append(Sequential(looked_up, bag))
            if pooled:
                layers = layers_from_text(POOLED_NETWORK, outputs=outputs)
                branches.append(Sequential(looked_up, EmbeddingBag(text.terms, vector), *layers))
    if not branches:
        return branches
    choice = f"a linear model on {terms:,} terms{f', added to {what}' if what else ''}"
    reason = (
        f"{rows:,} texts; counts of words and pairs are not beaten below some hundred thousand "
        "(to read words in their order instead: network='embed64-lstm64')"
    )
    if pooled:
        choice += f", and {vector} features of each term, pooled, then {POOLED_NETWORK}"
        reason = f"{rows:,} texts are enough to learn vectors of words as well"
    if planner.is_chosen("pooled", "vector"):
        reason = CHOSEN
    planner.decisions.add("texts", choice, reason)
    return branches


def _requested_network(
    planner: Planner, plain: list[tuple[int, int]], texts: Sequence[TextSlice], outputs: int
) -> Module:
    """Return a person's own network, behind what turns a row into what it takes.

    A line with embed takes the words of each text in their order, other lines take vectors of the
    terms, added up for each text, beside all plain numbers.
    """
    line = planner.options.network
    if not isinstance(line, str) or is_imported(line):
        module = planner.requested_network(outputs)
        assert module is not None
        return module
    branches: list[Module] = [_columns(plain)] if plain else []
    if reads_in_order(line):
        for text in texts:
            branches.append(_reader(planner, line, text))
        module = Sequential(_joined(branches), Dense(outputs))
    else:
        for text in texts:
            if text.slots:
                looked_up = Columns(text.looked_up, text.looked_up + 2 * text.slots)
                branches.append(Sequential(looked_up, EmbeddingBag(text.terms, VECTOR)))
        module = _fitting(planner, line, _joined(branches), outputs)
    planner.decisions.add("network", f"{line}, then {outputs} out", CHOSEN)
    return planner.fitting(module, outputs)


def _reader(planner: Planner, line: str, text: TextSlice) -> Module:
    """Return what reads the words of a text in their order, down to one row of numbers."""
    words, looked_up = len(text.words), Columns(text.looked_up, text.stop)
    layers = layers_from_text(line, vocabulary=words)
    if planner.options.vectors is not None:
        layers = _with_vectors(planner, layers, text.words)
    module = Sequential(looked_up, *layers)
    try:
        shape = Network(module, (planner.features,)).output_shape
    except ShapeError:
        unfit = unfit_part(
            line,
            planner.features,
            (text.stop - text.looked_up,),
            lambda part: Sequential(looked_up, *layers_of(part)),
            words,
        )
        if unfit is None:
            raise
        raise unfit from None
    # As before any dense layer of a line.
    return module if len(shape) == 1 else Sequential(*module.layers, Flatten())


def _fitting(planner: Planner, line: str, front: Module, outputs: int) -> Module:
    """Return a line's layers behind `front`, which makes one row of numbers of everything."""
    try:
        module = Sequential(front, *layers_from_text(line, outputs=outputs))
        Network(module, (planner.features,))
    except MisstepError:
        unfit = unfit_part(
            line,
            planner.features,
            Network(front, (planner.features,)).output_shape,
            lambda part: Sequential(front, *layers_of(part)),
        )
        if unfit is None:
            raise
        raise unfit from None
    return module


def _with_vectors(planner: Planner, layers: list[Module], words: tuple[str, ...]) -> list[Module]:
    """Return the layers with the vectors of a file in the embedding. Raises what reading raises."""
    path = planner.options.vectors
    assert path is not None
    # Tokens such as <link> are in no file; the words that are start from there.
    vectors = read_vectors(path, words, padding=0, seed=planner.options.seed)
    features = vectors.array.shape[1]
    known = len(words) - len(vectors.missing) - 1
    planner.decisions.add(
        "vectors",
        f"of {known:,} words from {Path(path).name}",
        f"{CHOSEN}; the other {len(vectors.missing):,} words are drawn like these",
    )
    for layer in layers:
        if isinstance(layer, Embedding) and layer.features != features:
            raise ArgumentError(
                "the network",
                needed=f"embed{features}, as the vectors have {features} features",
                got=f"embed{layer.features}",
            )
    return [
        replace(layer, vectors=vectors.array) if isinstance(layer, Embedding) else layer
        for layer in layers
    ]


def _plain_spans(features: int, texts: Sequence[TextSlice]) -> list[tuple[int, int]]:
    """Return where a row holds plain numbers, from start up to stop."""
    spans, start = [], 0
    for text in texts:
        if text.looked_up > start:
            spans.append((start, text.looked_up))
        start = text.stop
    return [*spans, *([(start, features)] if features > start else [])]


def _columns(spans: list[tuple[int, int]]) -> Module:
    return _joined([Columns(start, stop) for start, stop in spans])


def _joined(branches: list[Module]) -> Module:
    return branches[0] if len(branches) == 1 else Parallel(*branches)


def _summed(branches: list[Module]) -> Module:
    return branches[0] if len(branches) == 1 else Parallel(*branches, join="sum")


def _modules(root: Module) -> list[Module]:
    return [root, *(module for _, child in root.children() for module in _modules(child))]
