"""The networks that are trained: one family in one file, each told to every library.

`family.py` is the contract. Reading these files loads no library but NumPy.
"""

from __future__ import annotations

from typing import Any

from benchmarks.networks.dense import Dense
from benchmarks.networks.embedding_bag import EmbeddingBag
from benchmarks.networks.family import Family
from benchmarks.networks.recurrent import Recurrent
from benchmarks.networks.residual_cnn import ResidualCNN
from benchmarks.networks.small_cnn import SmallCNN
from benchmarks.networks.transformer import Transformer

KINDS: dict[str, type[Family]] = {
    one.kind: one for one in (Dense, EmbeddingBag, Recurrent, ResidualCNN, SmallCNN, Transformer)
}


def read_family(settings: dict[str, Any]) -> Family:
    """Return the network that `Family.settings` told, from plain JSON."""
    plain = {
        name: tuple(one) if isinstance(one, list) else one
        for name, one in settings.items()
        if name != "kind"
    }
    return KINDS[settings["kind"]](**plain)
