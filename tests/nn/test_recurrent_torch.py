"""RNN, GRU and LSTM beside PyTorch's own, in float64: outputs, last states and all gradients.

Made-up settings: one way and both ways, stacked, of different lengths (PyTorch's packed sequences,
our masks), last step and whole sequence, with initial states. PyTorch is no dependency of this
project; `tests/optim/test_optimizers_torch.py` says how to run these where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from misstep import ops
from misstep.autodiff import gradient
from misstep.ir import Array, Value, evaluate, make_parameter
from misstep.nn import GRU, LSTM, RNN, Bidirectional, Dense, Network, Sequential
from misstep.nn.recurrence import gru, lstm, rnn
from misstep.nn.recurrent import Recurrent
from misstep.nn.tracing import Trace, tracing

torch: Any = pytest.importorskip(
    "torch", reason="PyTorch is no dependency; tests/optim/test_optimizers_torch.py says more"
)

CLOSE = {"rtol": 1e-9, "atol": 1e-9}
KINDS: dict[str, tuple[type[Recurrent], Any]] = {
    "rnn": (RNN, torch.nn.RNN),
    "gru": (GRU, torch.nn.GRU),
    "lstm": (LSTM, torch.nn.LSTM),
}


@dataclass(frozen=True)
class Setting:
    kind: str
    batch: int
    time: int
    features: int
    units: int
    layers: int
    both: bool
    lengths: bool
    whole: bool
    training: bool
    seed: int


def settings() -> list[Setting]:
    random = np.random.default_rng(0)
    found = []
    for seed in range(150):
        batch, time, features, units = (int(one) for one in random.integers(1, 6, 4))
        layers = int(random.integers(1, 3))
        both, lengths, whole, training = (bool(one) for one in random.integers(0, 2, 4))
        kind = list(KINDS)[seed % 3]
        found.append(
            Setting(
                kind, batch, time, features, units, layers, both, lengths, whole, training, seed
            )
        )
    return found


def ours_of(theirs: Any, kind: str, suffix: str, units: int) -> dict[str, Array]:
    """Return PyTorch's weights of one layer and way as ours."""
    parts = {
        name: getattr(theirs, f"{name}_{suffix}").detach().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    found = {
        "weight": parts["weight_ih"].T,
        "recurrent": parts["weight_hh"].T,
        "bias": parts["bias_ih"] + parts["bias_hh"],
    }
    if kind == "gru":
        # The new gate's second bias is reset too, so it stays apart.
        found["bias"] = found["bias"].copy()
        found["bias"][2 * units :] = parts["bias_ih"][2 * units :]
        found["recurrent_bias"] = parts["bias_hh"][2 * units :]
    return found


def slopes_of(theirs: Any, kind: str, suffix: str, units: int) -> dict[str, Array]:
    slopes = {
        name: getattr(theirs, f"{name}_{suffix}").grad.numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    found = {
        "weight": slopes["weight_ih"].T,
        "recurrent": slopes["weight_hh"].T,
        "bias": slopes["bias_ih"],
    }
    if kind == "gru":
        found["recurrent_bias"] = slopes["bias_hh"][2 * units :]
    return found


@pytest.mark.parametrize("setting", settings(), ids=lambda one: f"{one.seed}-{one.kind}")
def test_outputs_and_slopes_are_those_of_pytorch(setting: Setting) -> None:
    kind, units = setting.kind, setting.units
    torch.manual_seed(setting.seed)
    theirs = KINDS[kind][1](
        setting.features,
        units,
        setting.layers,
        batch_first=True,
        bidirectional=setting.both,
        dtype=torch.float64,
    )
    random = np.random.default_rng(setting.seed)
    x = random.normal(0, 1.5, (setting.batch, setting.time, setting.features))
    lengths = np.full(setting.batch, setting.time)
    if setting.lengths:
        lengths = random.integers(1, setting.time + 1, setting.batch)
    counts = (np.arange(setting.time) < lengths[:, None]).astype("float64")
    columns = units * (2 if setting.both else 1)
    upstream = random.normal(0, 1, (setting.batch, setting.time, columns))
    if not setting.whole:
        upstream = upstream[:, 0]

    given = torch.tensor(x, requires_grad=True)
    if setting.lengths:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            given, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        out, last = theirs(packed)
        out, _ = torch.nn.utils.rnn.pad_packed_sequence(
            out, batch_first=True, total_length=setting.time
        )
    else:
        out, last = theirs(given)
    if setting.whole:
        wanted = out
        seen = counts[:, :, None]
    else:
        h = last[0] if kind == "lstm" else last
        wanted = torch.cat([h[-2], h[-1]], 1) if setting.both else h[-1]
        seen = np.ones((setting.batch, 1))
    (wanted * torch.tensor(upstream * seen)).sum().backward()

    made = [
        KINDS[kind][0](units, return_sequences=setting.whole or place + 1 < setting.layers)
        for place in range(setting.layers)
    ]
    network = Network(
        Sequential(*[Bidirectional(one) if setting.both else one for one in made]),
        (setting.time, setting.features),
        dtype="float64",
    )
    arrays: dict[str, Array] = {}
    slopes: dict[str, Array] = {}
    for layer in range(setting.layers):
        ways = {"": "", "_reverse": ""} if setting.both else {"": ""}
        for way in ways:
            path = f"{kind}{layer + 1}."
            if setting.both:
                path = f"bidirectional{layer + 1}.{'backward' if way else 'forward'}."
            suffix = f"l{layer}{way}"
            arrays |= {path + k: v for k, v in ours_of(theirs, kind, suffix, units).items()}
            slopes |= {path + k: v for k, v in slopes_of(theirs, kind, suffix, units).items()}
    network.load(arrays)
    flat = make_parameter(network.parameters, "flat")
    x_value = make_parameter(x, "x")
    y = applied(network, x_value, flat, counts if setting.lengths else None, setting.training)
    found, to_x, to_flat = evaluate([y, *gradient(ops.sum(y * (upstream * seen)), [x_value, flat])])
    np.testing.assert_allclose(found * seen, wanted.detach().numpy() * seen, **CLOSE)
    np.testing.assert_allclose(to_x, given.grad.numpy(), **CLOSE)
    for name, slope in network.arrays(to_flat).items():
        np.testing.assert_allclose(slope, slopes[name], err_msg=name, **CLOSE)


def applied(network: Network, x: Value, flat: Value, counts: Array | None, training: bool) -> Value:
    """Return the network's output with a mask in the pass."""
    from misstep.ops import as_value, reshape, slice_axis

    places = {place.specification.name: place for place in network.parameter_slices}

    def part(wanted: Any) -> Value:
        place = places[wanted.name]
        return reshape(slice_axis(flat, 0, place.start, place.stop), wanted.shape)

    trace = Trace(network._paths, training, "float64", supply=part)
    trace.mask = None if counts is None else as_value(counts)
    with tracing(trace):
        return network.module(x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_initial_states_and_what_they_are_blamed_for(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    batch, time, features, units = (int(one) for one in random.integers(2, 6, 4))
    torch.manual_seed(seed)
    theirs = KINDS[kind][1](features, units, batch_first=True, dtype=torch.float64)
    arrays = ours_of(theirs, kind, "l0", units)
    x = random.normal(size=(batch, time, features))
    h, c = random.normal(size=(2, batch, units))
    states = [torch.tensor(one[None], requires_grad=True) for one in (h, c)]
    out, last = theirs(torch.tensor(x), tuple(states) if kind == "lstm" else states[0])
    upstream = random.normal(size=out.shape)
    final = random.normal(size=(batch, units))
    loss = (out * torch.tensor(upstream)).sum()
    if kind == "lstm":
        loss = loss + (last[1][0] * torch.tensor(final)).sum()
    loss.backward()

    initial = make_parameter(np.concatenate([h, c], 1) if kind == "lstm" else h, "initial")
    function = {"rnn": rnn, "gru": gru, "lstm": lstm}[kind]
    given = [make_parameter(one, name) for name, one in arrays.items()]
    y = function(make_parameter(x, "x"), *given, initial=initial)
    ours = ops.sum(y[:, :, :units] * upstream)
    wanted = states[0].grad.numpy()[0]
    if kind == "lstm":
        ours = ours + ops.sum(y[:, -1, units:] * final)
        wanted = np.concatenate([one.grad.numpy()[0] for one in states], 1)
    found, slope = evaluate([y[:, :, :units], gradient(ours, initial)])
    np.testing.assert_allclose(found, out.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(slope, wanted, **CLOSE)


def test_the_relu_of_a_plain_layer() -> None:
    theirs = torch.nn.RNN(3, 4, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    network = Network(Sequential(RNN(4, activation="relu"), Dense(1)), (5, 3), dtype="float64")
    arrays = {f"rnn1.{k}": v for k, v in ours_of(theirs, "rnn", "l0", 4).items()}
    weight = np.ones((4, 1))
    network.load({**arrays, "dense1.weight": weight, "dense1.bias": np.zeros(1)})
    wanted = theirs(torch.tensor(x))[0][:, -1].detach().numpy() @ weight
    np.testing.assert_allclose(network.predict(x), wanted, **CLOSE)
