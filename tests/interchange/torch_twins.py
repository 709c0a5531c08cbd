"""Ten architectures twice: in layers of this library, and as modules of PyTorch.

`python -m tests.interchange.torch_twins FOLDER` writes what the tests read where PyTorch is not
(`tests/fixtures/torch-weights`), and measures both sides against each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import misstep as ms
from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Graph, Interpreter, make_literal, make_parameter

Array = Any
ROWS = 4


@dataclass(frozen=True)
class Twin:
    """`layers`: ours; `module`: PyTorch's, from torch.nn; `shape`: of a row here, channels last.

    `whole`: how many whole numbers a row is made of, where it is looked up. `names`: what order
    and names do not tell.
    """

    layers: Callable[[], Any]
    module: Callable[[Any], Any]
    shape: tuple[int, ...]
    whole: int = 0
    names: dict[str, str] | None = None

    def network(self, dtype: str) -> Any:
        """Return our network."""
        return ms.Network(self.layers(), input_shape=self.shape, dtype=dtype)

    def rows(self) -> Array:
        """Return rows as our network takes them."""
        random = np.random.default_rng(7)
        if self.whole:
            return random.integers(0, self.whole, (ROWS, *self.shape))
        return random.normal(0, 1, (ROWS, *self.shape))


def first(x: Array) -> Array:
    """Return rows with their channels first: images always, sequences where a Conv1d takes them."""
    return np.moveaxis(x, -1, 1)


def gradients(network: Any, x: Array, upstream: Array) -> tuple[Array, dict[str, Array]]:
    """Return the outputs in evaluation and the gradient of Σ output · upstream by parameter."""
    flat = make_parameter(network.parameters, "flat", network.dtype)
    given = make_literal(x.astype(network.dtype), network.dtype)
    y, _ = network.apply(given, flat)
    weighed = ops.sum(y * make_literal(upstream.astype(network.dtype), network.dtype))
    found = Interpreter(Graph({"y": y, "flat": gradient(weighed, flat)})).run()
    return found["y"], network.arrays(found["flat"])


def conv(filters: int, *arguments: Any, **settings: Any) -> list[Any]:
    return [ms.Conv2D(filters, *arguments, bias=False, **settings), ms.BatchNorm(), ms.ReLU()]


def residual(filters: int, stride: int) -> Any:
    body = [
        *conv(filters, 3, stride=stride, padding=1),
        ms.Conv2D(filters, 3, padding=1, bias=False),
        ms.BatchNorm(),
    ]
    if stride == 1:
        return ms.Sequential(ms.Residual(*body), ms.ReLU())
    shortcut = ms.Sequential(ms.Conv2D(filters, 1, stride=stride, bias=False), ms.BatchNorm())
    return ms.Sequential(ms.Residual(*body, shortcut=shortcut), ms.ReLU())


def torch_residual(nn: Any, channels: int, filters: int, stride: int) -> Any:
    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.downsample = None
            if stride > 1:
                self.downsample = nn.Sequential(
                    nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
                )

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            return (y + (x if self.downsample is None else self.downsample(x))).relu()

    return Block()


def torch_recurrent(nn: Any, recurrent: Any, head: Any, embedding: Any = None) -> Any:
    class Reader(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            if embedding is not None:
                self.words = embedding
            self.reader = recurrent
            self.head = head

        def forward(self, x: Any) -> Any:
            _, state = self.reader(x if embedding is None else self.words(x))
            h = state[0] if isinstance(state, tuple) else state
            last = h[-2:].transpose(0, 1).flatten(1) if recurrent.bidirectional else h[-1]
            return self.head(last)

    return Reader()


def torch_transformer(nn: Any, norm_first: bool) -> Any:
    import torch

    class Encoder(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(11, 8)
            self.places = nn.Parameter(torch.randn(1, 6, 8))
            settings = {"activation": "gelu", "batch_first": True, "norm_first": norm_first}
            layers = [
                nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **settings) for _ in range(2)
            ]
            self.blocks = nn.ModuleList(layers)
            self.norm = nn.LayerNorm(8)
            self.head = nn.Linear(48, 3)

        def forward(self, x: Any) -> Any:
            y = self.words(x) + self.places
            for block in self.blocks:
                y = block(y)
            return self.head(self.norm(y).flatten(1))

    return Encoder()


def transformer(norm_first: bool) -> Any:
    blocks = [ms.nn.TransformerBlock(2, 16, norm_first=norm_first) for _ in range(2)]
    return ms.Sequential(
        *(ms.Embedding(11, 8), ms.nn.PositionEmbedding(), *blocks, ms.nn.LayerNorm()),
        *(ms.Flatten(), ms.Dense(3)),
    )


TWINS: dict[str, Twin] = {
    "perceptron": Twin(
        lambda: ms.Sequential(
            *(ms.Dense(8), ms.ReLU(), ms.Dense(8), ms.Tanh(), ms.Dense(8), ms.nn.GELU()),
            ms.Dense(3),
        ),
        lambda nn: nn.Sequential(
            *(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.GELU()),
            nn.Linear(8, 3),
        ),
        (8,),
    ),
    "lenet": Twin(
        lambda: ms.Sequential(
            *(ms.Conv2D(4, 3), ms.ReLU(), ms.MaxPool2D(2), ms.Conv2D(6, 3), ms.ReLU()),
            *(ms.Flatten(), ms.BatchNorm(), ms.Dense(10), ms.ReLU(), ms.Dense(3)),
        ),
        lambda nn: nn.Sequential(
            *(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU()),
            *(nn.Flatten(), nn.BatchNorm1d(24), nn.Linear(24, 10), nn.ReLU(), nn.Linear(10, 3)),
        ),
        (10, 10, 2),
    ),
    "resnet": Twin(
        lambda: ms.Sequential(
            *(*conv(4, 3, padding=1), residual(4, 1), residual(8, 2), residual(8, 1)),
            *(ms.nn.GlobalAveragePool2D(), ms.Dense(3)),
        ),
        lambda nn: nn.Sequential(
            *(nn.Conv2d(2, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
            *(torch_residual(nn, 4, 4, 1), torch_residual(nn, 4, 8, 2)),
            *(torch_residual(nn, 8, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.Linear(8, 3),
        ),
        (8, 8, 2),
    ),
    "mobilenet": Twin(
        lambda: ms.Sequential(
            *conv(6, 3, stride=2, padding=1),
            *(*conv(6, 3, padding=1, groups=6), *conv(8, 1)),
            *(*conv(8, 3, padding=2, dilation=2, groups=2), ms.nn.GlobalAveragePool2D()),
            ms.Dense(3),
        ),
        lambda nn: nn.Sequential(
            *(nn.Conv2d(2, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU()),
            *(nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False), nn.BatchNorm2d(6), nn.ReLU()),
            *(nn.Conv2d(6, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
            nn.Conv2d(8, 8, 3, 1, 2, dilation=2, groups=2, bias=False),
            *(nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.Linear(8, 3),
        ),
        (8, 8, 2),
    ),
    "waves": Twin(
        lambda: ms.Sequential(
            *(ms.Conv1D(6, 3, padding=1), ms.nn.GroupNorm(2), ms.ReLU(), ms.nn.MaxPool1D(2)),
            *(ms.Conv1D(4, 3), ms.ReLU(), ms.Flatten(), ms.Dense(3)),
        ),
        lambda nn: nn.Sequential(
            *(nn.Conv1d(2, 6, 3, padding=1), nn.GroupNorm(2, 6), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Conv1d(6, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)),
        ),
        (10, 2),
    ),
    "lstm": Twin(
        lambda: ms.Sequential(ms.LSTM(5, return_sequences=True), ms.LSTM(5), ms.Dense(2)),
        lambda nn: torch_recurrent(nn, nn.LSTM(3, 5, 2, batch_first=True), nn.Linear(5, 2)),
        (6, 3),
    ),
    "gru both ways": Twin(
        lambda: ms.Sequential(
            ms.Embedding(11, 4), ms.nn.Bidirectional(ms.GRU(3)), ms.nn.LayerNorm(), ms.Dense(2)
        ),
        lambda nn: torch_recurrent(
            nn,
            nn.GRU(4, 3, batch_first=True, bidirectional=True),
            nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 2)),
            nn.Embedding(11, 4),
        ),
        (5,),
        whole=11,
    ),
    "transformer": Twin(
        lambda: transformer(True), lambda nn: torch_transformer(nn, True), (6,), whole=11
    ),
    "first transformer": Twin(
        lambda: transformer(False), lambda nn: torch_transformer(nn, False), (6,), whole=11
    ),
    "generator": Twin(
        lambda: ms.Sequential(
            *(ms.Dense(24), ms.BatchNorm(), ms.ReLU(), ms.Reshape((2, 2, 6))),
            *(ms.nn.Conv2DTranspose(4, 3, stride=2, padding=1, more=1), ms.nn.InstanceNorm()),
            *(ms.ReLU(), ms.Conv2D(2, 3, padding=1), ms.Tanh()),
        ),
        lambda nn: nn.Sequential(
            *(nn.Linear(5, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Unflatten(1, (6, 2, 2))),
            nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1),
            *(nn.InstanceNorm2d(4, affine=True), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)),
            nn.Tanh(),
        ),
        (5,),
    ),
    "elman": Twin(
        lambda: ms.Sequential(ms.nn.RNN(4, activation="relu"), ms.nn.RMSNorm(), ms.Dense(2)),
        lambda nn: torch_recurrent(
            nn,
            nn.RNN(3, 4, nonlinearity="relu", batch_first=True),
            nn.Sequential(nn.RMSNorm(4, eps=1e-5), nn.Linear(4, 2)),
        ),
        (5, 3),
    ),
}
# Whose rows have channels first in PyTorch.
CHANNELS_FIRST = {"lenet", "resnet", "mobilenet", "waves"}


def theirs(name: str, x: Array, dtype: Any, model: Any, upstream: Array) -> tuple[Array, Any]:
    """Return PyTorch's outputs, channels last, and the gradient of each parameter."""
    import torch

    given = torch.tensor(np.ascontiguousarray(first(x) if name in CHANNELS_FIRST else x))
    given = given.long() if TWINS[name].whole else given.to(dtype)
    model.zero_grad()
    y = model(given)
    last = y.movedim(1, -1) if y.ndim > 2 else y
    (last * torch.tensor(upstream).to(dtype)).sum().backward()
    slopes = {key: one.grad.numpy() for key, one in model.named_parameters()}
    return last.detach().numpy(), slopes


def drawn(name: str) -> Any:
    """Return PyTorch's module with numbers of all sizes, running statistics too, in evaluation."""
    import torch

    torch.manual_seed(sum(map(ord, name)))
    model = TWINS[name].module(torch.nn).double().eval()
    with torch.no_grad():
        for key, one in model.state_dict().items():
            if key.endswith("running_mean") or one.ndim == 1:
                one.add_(torch.randn_like(one) * 0.3)
            if key.endswith("running_var"):
                one.copy_(torch.rand_like(one) + 0.5)
    return model


def measure(name: str, folder: Path | None) -> str:
    """Return the largest differences in words; write a fixture."""
    import torch

    twin, words = TWINS[name], []
    for dtype, kind in (("float64", torch.float64), ("float32", torch.float32)):
        model = drawn(name).to(kind)
        network, x = twin.network(dtype), twin.rows()
        pairs = network.load_torch(model.state_dict())
        upstream = np.random.default_rng(3).normal(0, 1, (ROWS, *network.output_shape))
        y, slopes = theirs(name, x, kind, model, upstream)
        found, by_parameter = gradients(network, x, upstream)
        mine = twin.network(dtype)
        mine.load({**network.arrays(), **by_parameter})
        back = mine.to_torch(model.state_dict())
        again = drawn(name).to(kind)
        again.load_state_dict(network.to_torch(model.state_dict()))
        returned, _ = theirs(name, x, kind, again, upstream)
        off = [
            np.abs(found - y).max(),
            np.abs(network.predict(x) - y).max(),
            np.abs(returned - y).max(),
            max(np.abs(_gradient(back, key) - one).max() for key, one in slopes.items()),
        ]
        words.append(f"{dtype}: outputs {max(off[:3]):.1e}, gradients {off[3]:.1e}")
        if dtype == "float64" and folder is not None:
            held = {f"state/{key}": one.numpy() for key, one in model.state_dict().items()}
            held |= {f"gradient/{key}": one for key, one in slopes.items()}
            np.savez(folder / f"{name.replace(' ', '-')}.npz", y=y, upstream=upstream, **held)
    return f"{name:18} {'; '.join(words)}; {pairs}"


def _gradient(back: dict[str, Any], key: str) -> Array:
    """Return the gradient of a parameter of PyTorch; of two biases that are added, the same."""
    if "bias_hh" in key:
        first_key = key.replace("bias_hh", "bias_ih")
        array = np.asarray(back[first_key])
        rest = np.asarray(back[key])
        return np.where(rest != 0, rest, array)
    return np.asarray(back[key])


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for name in TWINS:
        print(measure(name, folder))


if __name__ == "__main__":
    main()
