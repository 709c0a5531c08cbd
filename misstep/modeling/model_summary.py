"""What a model is, as text: what it predicts, its layers, how its training went, its scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from misstep.modeling.metrics import score_words
from misstep.nn import Network
from misstep.text.counts import counted, plural
from misstep.text.lists import listed
from misstep.text.plain import printable
from misstep.text.tables import in_columns, wrapped

# What facts and scores are called, in the order in which they stand there.
FACTS = {
    "source": "learned from",
    "rows": "{rows} to learn from",
    "test_rows": "{rows} to be judged on",
    "epochs": "epochs",
    "best_epoch": "weights of epoch",
    "updates": "updates of the weights",
    "batch_size": "{rows} that made a step together",
    "ended": "ended because",
    "seed": "seed",
}
SCORES = {
    "test": "test",
    "linear": "a linear model on the same {rows}",
    "last_value": "the last value on the same {rows}",
    "seasonal": "the season before on the same {rows}",
    "baseline": "a guess on the same {rows}",
    "validation": "validation",
}
# Features of a part of the row that are named.
MOST_NAMED = 24
TITLES = ("name", "layer", "output", "parameters", "multiply-adds")


def summary_text(
    heading: Sequence[str],
    network: Network,
    features: Sequence[str],
    facts: Mapping[str, Any],
    fact_names: Mapping[str, str] | None = None,
    *,
    sample_name: str = "row",
) -> str:
    """Return the summary of a model below the lines of `heading`.

    `features`: of a row, what each is called. `facts`: about its training. `fact_names`: what some
    of them are called. `sample_name`: what a row is called, such as image.
    """
    rows = plural(2, sample_name)
    article = "an" if sample_name[0] in "aeiou" else "a"
    lines = [*heading, "", _layers(network), "", *_names_of_parts(network, features)]
    lines.append(
        f"{counted(network.parameter_count, 'parameter')} ({network.dtype}), "
        f"{counted(len(features), 'feature')}, "
        f"{sum(network.operations.values()):,} multiply-adds {article} {sample_name}"
    )
    names = FACTS | dict(fact_names or {})
    lines += [
        f"{names.get(name, name).format(rows=rows)}: {_figure(name, facts[name])}"
        for name in _ordered(FACTS, facts)
        if name not in ("metrics", "judgment")
    ]
    scores = facts.get("metrics", {})
    lines.append("")
    lines += [
        f"{SCORES.get(name, name).format(rows=rows)}: {score_words(scores[name])}"
        for name in _ordered(SCORES, scores)
    ]
    return printable("\n".join(lines).rstrip())


def _names_of_parts(network: Network, features: Sequence[str]) -> list[str]:
    """Return which features those are that layers take apart: features 0 to 4: Age, Fare, …"""
    lines: dict[str, None] = {}
    for layer in network.summary():
        found = re.fullmatch(r"features? (\d+)(?: to (\d+))?", str(layer["layer"]))
        if found is None:
            continue
        first, last = int(found[1]), int(found[2] or found[1])
        if last < len(features):
            named = listed(list(features[first : last + 1]), MOST_NAMED)
            lines[wrapped(f"{found[0]}: {named}", 0)] = None
    return [*lines, ""] if lines else []


def _layers(network: Network) -> str:
    rows = [
        [
            str(layer["path"]),
            str(layer["layer"]),
            " × ".join(map(str, layer["output"])),
            *(f"{layer[name]:,}" if layer[name] else "" for name in ("parameters", "operations")),
        ]
        for layer in network.summary()
    ]
    return in_columns(rows, TITLES, right=range(2, len(TITLES)), indent=0)


def _ordered(known: Mapping[str, str], names: Mapping[str, Any]) -> list[str]:
    return sorted(names, key=[*known, *names].index)


def _figure(name: str, fact: Any) -> str:
    counted = isinstance(fact, int) and not isinstance(fact, bool) and name != "seed"
    return f"{fact:,}" if counted else str(fact)
