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
from functools import partial
from pathlib import Path

import numpy as np

from misstep.data import Preprocessor, Target, TextSlice, read_vectors
from misstep.errors import ArgumentError
from misstep.ir import Array
from misstep.modeling.recipes.recipe import (
    LEARNING_RATE,
    Recipe,
    RecipeMaker,
    choose_loss,
    choose_optimizer,
    default_batch_size,
    said_network,
    tell_batch_size,
    tell_epochs,
    tell_loss,
    whole_network,
)
from misstep.modeling.recipes.tables import places_of_numbers, table_recipe
from misstep.modeling.settings import Choices, Settings
from misstep.nn import (
    Columns,
    Dense,
    Embedding,
    EmbeddingBag,
    Module,
    Parallel,
    Sequential,
    layers_from_text,
)
from misstep.nn.initializers import Zeros
from misstep.optim import Cosine

# What the signals of texts go through; larger ones learn by heart what eleven numbers say.
SIGNALS_NETWORK = "dense16-drop0.2"
# Features of a term where a person's own layers follow, and texts from which on such vectors, added
# up for each text, stand beside the linear model: pooled vectors of words match counts of words and
# pairs on about a hundred thousand texts (Joulin and others, 2017, "Bag of tricks").
VECTOR, POOLED_NETWORK, MANY_TEXTS = 32, "drop0.5-dense32", 100_000
# Weight updates in all; reviews and messages were best after 1,500 to 2,000, and the cosine must
# come to its end.
UPDATES = 2_300
FEWEST_EPOCHS, MOST_EPOCHS = 5, 100


def columns_recipe(preprocessing: object, features: Array | None) -> RecipeMaker:
    """Return what makes the recipe for the columns of a table, texts among them or not.

    `features`: all rows to learn from, (rows, features), or None where they come in parts: members
    of an ensemble would have to share each part, and learn less from it each.
    """
    numbers = () if features is None else places_of_numbers(features)
    members = 1 if features is None else None
    if isinstance(preprocessing, Preprocessor) and preprocessing.texts:
        places = preprocessing.texts
        return partial(text_recipe, places=places, numbers=numbers, members=members)
    return partial(table_recipe, numbers=numbers, members=members)


def reads_in_order(network: str | Module | None) -> bool:
    """Tell whether a network that a person said takes numbers of words, as an Embedding does."""
    if isinstance(network, Module):
        return any(isinstance(one, Embedding) for one in _modules(network))
    return network is not None and "embed" in network.lower()


def text_recipe(
    rows: int,
    features: int,
    target: Target,
    settings: Settings,
    choices: Choices,
    places: list[TextSlice],
    numbers: Sequence[int] = (),
    members: int | None = None,
) -> Recipe:
    """Return how to train on rows with texts; tell `choices` why.

    `places`: where texts stand in a row of `features`. `numbers`, `members`: as for a table. Raises
    ArgumentError for settings that can't be used, ShapeError for a network that does not fit.
    """
    plain = _plain_spans(features, places)
    signals = sum(place.looked_up - place.start for place in places)
    mixed = sum(stop - start for start, stop in plain) > signals
    if settings.network is None and mixed:
        # The table's own recipe, for all that is a plain number.
        count = sum(stop - start for start, stop in plain)
        outputs = choose_loss(target)[1]
        beside = _beside(rows, places, outputs, choices, "the network below")
        order = [place for start, stop in plain for place in range(start, stop)]
        seen = [order.index(place) for place in numbers if place in order]
        recipe = table_recipe(rows, count, target, settings, choices, numbers=seen, members=members)
        # The layers themselves, so that their names are short.
        layers = recipe.module.layers if type(recipe.module) is Sequential else (recipe.module,)
        front = Sequential(_taken(plain), *layers)
        return replace(recipe, module=_added([front, *beside]))
    loss, outputs = tell_loss(target, choices)
    if settings.network is None:
        module = _default(rows, plain, places, outputs, choices)
    else:
        module = _said(features, plain, places, settings, outputs, choices)
    batch = tell_batch_size(settings, default_batch_size(rows), rows, choices)
    rate = settings.learning_rate or LEARNING_RATE
    because = "a term's weight may move far enough in some thousand updates"
    if settings.network is not None:
        because = "it works on most networks without tuning"
    if settings.learning_rate is not None:
        because = "you chose the learning rate"
    choices.add("optimizer", f"AdamW, learning rate {rate:g} falling along half a cosine", because)
    default = int(np.clip(round(UPDATES * batch / max(rows, 1)), FEWEST_EPOCHS, MOST_EPOCHS))
    epochs, patience = tell_epochs(settings, default, rows, batch, choices)
    return Recipe(module, loss, choose_optimizer(rate), Cosine(0.01), batch, epochs, patience)


def _default(
    rows: int, plain: list[tuple[int, int]], places: list[TextSlice], outputs: int, choices: Choices
) -> Module:
    """Return a linear model on terms, added to a small network on signals."""
    parts: list[Module] = []
    if plain:
        layers = layers_from_text(SIGNALS_NETWORK)
        last = Dense(outputs, initializer=Zeros())
        parts.append(Sequential(_taken(plain), *layers, last))
        choices.add(
            "network",
            f"{SIGNALS_NETWORK}, then {outputs} out, for the signals of texts",
            f"they are {sum(stop - start for start, stop in plain)} numbers",
        )
    return _added([*parts, *_beside(rows, places, outputs, choices, "it" if parts else "")])


def _beside(
    rows: int, places: list[TextSlice], outputs: int, choices: Choices, what: str
) -> list[Module]:
    """Return what stands beside the network on plain numbers: a linear model for each text."""
    parts: list[Module] = []
    terms = sum(place.terms - 1 for place in places if place.slots)
    for place in places:
        if place.slots:
            looked = Columns(place.looked_up, place.looked_up + 2 * place.slots)
            wide = EmbeddingBag(place.terms, outputs, bias=not parts, initializer=Zeros())
            parts.append(Sequential(looked, wide))
            if rows >= MANY_TEXTS:
                layers = layers_from_text(POOLED_NETWORK, outputs=outputs)
                parts.append(Sequential(looked, EmbeddingBag(place.terms, VECTOR), *layers))
    if not parts:
        return parts
    choice = f"a linear model on {terms:,} terms{f', added to {what}' if what else ''}"
    because = (
        f"{rows:,} texts; counts of words and pairs are not beaten below some hundred thousand "
        "(to read words in their order instead: network='embed64-lstm64')"
    )
    if rows >= MANY_TEXTS:
        choice += f", and {VECTOR} features of each term, pooled, then {POOLED_NETWORK}"
        because = f"{rows:,} texts are enough to learn vectors of words as well"
    choices.add("texts", choice, because)
    return parts


def _said(
    features: int,
    plain: list[tuple[int, int]],
    places: list[TextSlice],
    settings: Settings,
    outputs: int,
    choices: Choices,
) -> Module:
    """Return a person's own network, behind what turns a row into what it takes.

    A line with embed takes the words of each text in their order, other lines take vectors of the
    terms, added up for each text, beside all plain numbers.
    """
    said = settings.network
    if not isinstance(said, str):
        module = said_network(settings, features, outputs, choices)
        assert module is not None
        return module
    parts: list[Module] = [_taken(plain)] if plain else []
    if reads_in_order(said):
        for place in places:
            layers = layers_from_text(said, vocabulary=len(place.words))
            if settings.vectors is not None:
                layers = _with_vectors(layers, place.words, settings, choices)
            parts.append(Sequential(Columns(place.looked_up, place.stop), *layers))
        module = Sequential(_joined(parts), Dense(outputs))
    else:
        for place in places:
            if place.slots:
                looked = Columns(place.looked_up, place.looked_up + 2 * place.slots)
                parts.append(Sequential(looked, EmbeddingBag(place.terms, VECTOR)))
        module = Sequential(_joined(parts), *layers_from_text(said, outputs=outputs))
    choices.add("network", f"{said}, then {outputs} out", "you chose it")
    return whole_network(module, features, outputs)


def _with_vectors(
    layers: list[Module], words: tuple[str, ...], settings: Settings, choices: Choices
) -> list[Module]:
    """Return the layers with the vectors of a file in the embedding. Raises what reading raises."""
    assert settings.vectors is not None
    # Tokens such as <link> are in no file; the words that are start from there.
    found = read_vectors(settings.vectors, words, padding=0, seed=settings.seed)
    features = found.array.shape[1]
    known = len(words) - len(found.missing) - 1
    choices.add(
        "vectors",
        f"of {known:,} words from {Path(settings.vectors).name}",
        f"you chose it; the other {len(found.missing):,} words are drawn like these",
    )
    made: list[Module] = []
    for layer in layers:
        if isinstance(layer, Embedding):
            if layer.features != features:
                raise ArgumentError(
                    "the network",
                    needed=f"embed{features}, as the vectors have {features} features",
                    got=f"embed{layer.features}",
                )
            layer = replace(layer, vectors=found.array)
        made.append(layer)
    return made


def _plain_spans(features: int, places: list[TextSlice]) -> list[tuple[int, int]]:
    """Return where a row holds plain numbers, from start up to stop."""
    spans, start = [], 0
    for place in places:
        if place.looked_up > start:
            spans.append((start, place.looked_up))
        start = place.stop
    return [*spans, *([(start, features)] if features > start else [])]


def _taken(spans: list[tuple[int, int]]) -> Module:
    return _joined([Columns(start, stop) for start, stop in spans])


def _joined(parts: list[Module]) -> Module:
    return parts[0] if len(parts) == 1 else Parallel(*parts)


def _added(parts: list[Module]) -> Module:
    return parts[0] if len(parts) == 1 else Parallel(*parts, join="sum")


def _modules(root: Module) -> list[Module]:
    return [root, *(one for _, child in root.children() for one in _modules(child))]
