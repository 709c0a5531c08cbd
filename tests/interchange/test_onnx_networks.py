"""Networks to ONNX and back: every layer, any number of rows, names, freezing, training, files."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.errors import ArgumentError, FileFormatError, MisstepError, NotYetError, ShapeError
from misstep.interchange.onnx_export import network_written
from misstep.interchange.onnx_import import from_onnx, network_of
from misstep.interchange.onnx_reading import program_of, program_of_bytes
from misstep.interchange.onnx_writing import proto_of
from misstep.nn import Module, Network, build_module, registered_layers
from misstep.nn.imported import ImportedGraph
from misstep.nn.imported_ends import fitted_imported
from tests.fuzz.structures import change_json

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")

EXAMPLES = [
    (name, place, layer, shape)
    for name, kind in registered_layers().items()
    for place, (layer, shape) in enumerate(kind.examples())
]
RANDOM = np.random.default_rng(0)


def model_of(
    nodes: list[Any], shape: list[Any], arrays: dict[str, Any], output: str = "y", **more: Any
) -> Any:
    """Return a ModelProto of nodes over x."""
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", more.get("element", 1), shape)],
        [helper.make_tensor_value_info(output, 1, None)],
        [onnx.numpy_helper.from_array(np.asarray(one), name) for name, one in arrays.items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", more.get("version", 17))]
    )


def perceptron(prefix: str = "") -> Any:
    """Return a ModelProto of two layers, 4 → 5 → 3, with the names that PyTorch gives."""
    make = onnx.helper.make_node
    nodes = [
        make("Gemm", ["x", "0.weight", "0.bias"], ["a"], transB=1),
        make("Relu", ["a"], ["h"]),
        make("Gemm", ["h", "2.weight", "2.bias"], ["y"], transB=1),
    ]
    draw = np.random.default_rng(3)
    arrays = {
        "0.weight": draw.normal(size=(5, 4)).astype("float32"),
        "0.bias": draw.normal(size=5).astype("float32"),
        "2.weight": draw.normal(size=(3, 5)).astype("float32"),
        "2.bias": draw.normal(size=3).astype("float32"),
    }
    return model_of(nodes, ["n", 4], arrays)


@pytest.mark.parametrize(("name", "place", "layer", "shape"), EXAMPLES)
@pytest.mark.filterwarnings("ignore")
def test_every_layer_goes_to_onnx_and_comes_back(
    name: str, place: int, layer: Module, shape: tuple[int, ...]
) -> None:
    network = Network(layer, shape, seed=1)
    draw = np.random.default_rng(place)
    network.parameters[:] = draw.normal(0, 0.5, network.parameter_count)
    x = network.with_positions(draw.normal(size=(5, *shape)).astype("float32"))
    expected = network.predict(x)
    proto = proto_of(network_written(network))
    (got,) = reference.ReferenceEvaluator(proto).run(None, {"x": x})
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    back = network_of(program_of(proto))
    np.testing.assert_allclose(back.predict(x), expected, rtol=1e-5, atol=1e-5)


def test_names_of_the_file_are_names_of_layers() -> None:
    network = network_of(program_of(perceptron()))
    assert list(network.arrays()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [row["path"] for row in network.summary()] == ["0", "relu1", "2"]
    assert network.layers["relu1"].can_die
    assert network.parameter_count == 43
    network.freeze("0")
    assert network.trainable_count == 18


def test_it_predicts_as_the_reference_does() -> None:
    proto = perceptron()
    x = RANDOM.normal(size=(7, 4)).astype("float32")
    expected = reference.ReferenceEvaluator(proto).run(None, {"x": x})[0]
    network = network_of(program_of(proto))
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-5, atol=1e-6)
    assert network.backend.startswith("compiled")
    wide = network_of(program_of(proto), dtype="float64")
    np.testing.assert_allclose(wide.predict(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("trainable", "left"), [(True, 43), (False, 0), (1, 18), (2, 43)])
def test_all_layers_are_trained_or_the_last_ones(trainable: Any, left: int) -> None:
    network = network_of(program_of(perceptron()), trainable=trainable)
    assert network.trainable_count == left


def test_more_layers_than_there_are_can_not_be_trained() -> None:
    with pytest.raises(ArgumentError, match="at most the 2 layers"):
        network_of(program_of(perceptron()), trainable=3)


def test_training_moves_what_is_not_frozen() -> None:
    network = network_of(program_of(perceptron()), trainable=1)
    before = {name: array.copy() for name, array in network.arrays().items()}
    x = RANDOM.normal(size=(32, 4)).astype("float32")
    trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1), seed=0)
    trainer.fit(x, (x[:, 0] > 0).astype(int), epochs=2)
    after = trainer.network.arrays()
    assert (after["0.weight"] == before["0.weight"]).all()
    assert not (after["2.weight"] == before["2.weight"]).all()


def test_training_goes_as_the_same_network_of_our_own_does() -> None:
    proto = perceptron()
    imported = network_of(program_of(proto), dtype="float64")
    own = ms.Network(
        ms.Sequential(ms.Dense(5), ms.ReLU(), ms.Dense(3)), input_shape=(4,), dtype="float64"
    )
    arrays = imported.arrays()
    own.load(
        {
            "dense1.weight": arrays["0.weight"].T,
            "dense1.bias": arrays["0.bias"],
            "dense2.weight": arrays["2.weight"].T,
            "dense2.bias": arrays["2.bias"],
        }
    )
    x = RANDOM.normal(size=(24, 4))
    y = RANDOM.integers(0, 3, 24)
    losses = []
    for network in (imported, own):
        trainer = ms.Trainer(
            network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1), batch_size=24, shuffle=False
        )
        run = trainer.fit(x, y, epochs=100)
        losses.append([epoch["training_loss"] for epoch in run.history])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0, atol=1e-12)


def test_it_is_kept_as_text_and_read_without_onnx() -> None:
    network = network_of(program_of(perceptron()))
    again = Network(build_module(network.module.configuration()), (4,), arrays=network.arrays())
    x = RANDOM.normal(size=(3, 4)).astype("float32")
    assert (again.predict(x) == network.predict(x)).all()
    anew = Network(build_module(network.module.configuration()), (4,), seed=5)
    spread = network.arrays()["0.weight"].std()
    assert 0.5 * spread < anew.arrays()["0.weight"].std() < 2 * spread


def test_a_broken_text_of_a_graph_is_refused_in_words() -> None:
    example, shape = next(ImportedGraph.examples())
    assert isinstance(example, ImportedGraph)
    arrays = Network(example, shape).arrays()
    opened = 0
    for seed in range(300):
        changed = change_json(example.graph.encode(), Random(seed)).decode("utf-8", "replace")
        try:
            Network(build_module({"kind": "ImportedGraph", "graph": changed}), shape, arrays=arrays)
            opened += 1
        except MisstepError:
            continue
    assert opened < 300


def test_a_probability_at_the_end_and_another_number_of_outputs() -> None:
    proto = perceptron()
    proto.graph.node.append(onnx.helper.make_node("Softmax", ["y"], ["p"], axis=1))
    proto.graph.output[0].name = "p"
    module: Any = network_of(program_of(proto)).module
    same, words = fitted_imported(module, (4,), 3)
    assert "without the Softmax" in words
    x = RANDOM.normal(size=(3, 4)).astype("float32")
    raw = network_of(program_of(perceptron())).predict(x)
    np.testing.assert_allclose(Network(same, (4,)).predict(x), raw, rtol=1e-6)
    other, words = fitted_imported(module, (4,), 2)
    assert "its last layer, 2, replaced" in words
    assert Network(other, (4,)).output_shape == (2,)


def test_rows_with_channels_last_are_turned_around() -> None:
    weight = RANDOM.normal(size=(2, 3, 2, 2)).astype("float32")
    nodes = [
        onnx.helper.make_node("Conv", ["x", "conv.weight"], ["c"]),
        onnx.helper.make_node("GlobalAveragePool", ["c"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["y"]),
    ]
    proto = model_of(nodes, ["n", 3, 5, 6], {"conv.weight": weight})
    module: Any = network_of(program_of(proto)).module
    turned, words = fitted_imported(module, (5, 6, 3), 2)
    assert words.startswith("channels first")
    x = RANDOM.normal(size=(2, 5, 6, 3)).astype("float32")
    expected = Network(module, (3, 5, 6)).predict(x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(Network(turned, (5, 6, 3)).predict(x), expected, rtol=1e-6)


def test_several_inputs_stand_one_behind_the_other_in_a_row() -> None:
    proto = model_of([onnx.helper.make_node("Concat", ["x", "z"], ["y"], axis=1)], ["n", 2], {})
    proto.graph.input.append(onnx.helper.make_tensor_value_info("z", 1, ["n", 3]))
    network = network_of(program_of(proto))
    x = RANDOM.normal(size=(2, 5)).astype("float32")
    assert network.input_shape == (5,)
    assert (network.predict(x) == x).all()


def test_positions_are_checked() -> None:
    table = RANDOM.normal(size=(6, 2)).astype("float32")
    nodes = [onnx.helper.make_node("Gather", ["embed.weight", "x"], ["y"])]
    network = network_of(program_of(model_of(nodes, ["n", 3], {"embed.weight": table}, element=7)))
    assert network.predict([[0, 5, 1]]).shape == (1, 3, 2)
    with pytest.raises(MisstepError, match="from 0 to 5"):
        network.predict([[0, 6, 1]])


REFUSED: list[tuple[str, Any, str, type[MisstepError]]] = [
    (
        "an operator without words",
        lambda: model_of(
            [onnx.helper.make_node("NonMaxSuppression", ["x", "x"], ["y"])], ["n", 4], {}
        ),
        "NonMaxSuppression",
        NotYetError,
    ),
    (
        "an attribute nobody knows",
        lambda: model_of([onnx.helper.make_node("Relu", ["x"], ["y"], twice=1)], ["n", 4], {}),
        "twice",
        NotYetError,
    ),
    (
        "a domain of somebody's own",
        lambda: model_of(
            [onnx.helper.make_node("Magic", ["x"], ["y"], domain="com.example")], ["n", 4], {}
        ),
        "Magic of com.example",
        NotYetError,
    ),
    (
        "an older version",
        lambda: model_of([onnx.helper.make_node("Relu", ["x"], ["y"])], ["n", 4], {}, version=6),
        "version 6",
        NotYetError,
    ),
    (
        "open lengths",
        lambda: model_of([onnx.helper.make_node("Relu", ["x"], ["y"])], ["n", "m"], {}),
        "input_shape",
        ArgumentError,
    ),
    (
        "a sum over rows",
        lambda: model_of(
            [onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=[0], keepdims=0)], ["n", 4], {}
        ),
        "one for each row",
        ShapeError,
    ),
    (
        "a name that nothing makes",
        lambda: model_of([onnx.helper.make_node("Relu", ["q"], ["y"])], ["n", 4], {}),
        "'q'",
        FileFormatError,
    ),
    (
        "shapes that do not fit",
        lambda: model_of(
            [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
            ["n", 4],
            {"w": np.zeros((3, 2), "float32")},
        ),
        "MatMul",
        ShapeError,
    ),
]


@pytest.mark.parametrize(("what", "make", "word", "kind"), REFUSED, ids=[one[0] for one in REFUSED])
def test_what_is_refused_is_called_by_name(
    what: str, make: Any, word: str, kind: type[MisstepError]
) -> None:
    with pytest.raises(kind) as caught:
        network_of(program_of(make()))
    said = f"{caught.value} {getattr(caught.value, '__notes__', '')}"
    assert word in said


@pytest.mark.parametrize("element", ["float16", "bfloat16"])
def test_half_precision_is_read_and_worked_out_in_float32(element: str) -> None:
    weight = np.array([[1.0, -0.5], [2.0, 0.25], [0.0, 3.0]], "float32")
    kind = onnx.TensorProto.FLOAT16 if element == "float16" else onnx.TensorProto.BFLOAT16
    nodes = [
        onnx.helper.make_node("Cast", ["x"], ["half"], to=kind),
        onnx.helper.make_node("MatMul", ["half", "w"], ["product"]),
        onnx.helper.make_node("Cast", ["product"], ["y"], to=onnx.TensorProto.FLOAT),
    ]
    proto = model_of(nodes, ["n", 3], {})
    bits = weight.view("uint32") >> 16 if element == "bfloat16" else weight.astype("float16")
    raw = bits.astype("uint16").tobytes() if element == "bfloat16" else bits.tobytes()
    proto.graph.initializer.append(onnx.helper.make_tensor("w", kind, (3, 2), raw, raw=True))
    network = network_of(program_of(proto))
    assert (network.predict([[1.0, 10.0, 100.0]]) == [[21.0, 302.0]]).all()
    assert network.parameter_count == 6


def test_what_masks_is_no_parameter() -> None:
    mask = np.triu(np.full((4, 4), -np.inf, "float32"), 1)
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["a"]),
        onnx.helper.make_node("Unsqueeze", ["a", "axes"], ["b"]),
        onnx.helper.make_node("Add", ["b", "mask"], ["c"]),
        onnx.helper.make_node("Softmax", ["c"], ["y"], axis=-1),
    ]
    arrays = {"w": np.eye(4, dtype="float32"), "mask": mask, "axes": np.array([1])}
    network = network_of(program_of(model_of(nodes, ["n", 4], arrays)))
    assert network.parameter_count == 16
    again = Network(build_module(network.module.configuration()), (4,), arrays=network.arrays())
    assert (again.predict(np.ones((2, 4))) == network.predict(np.ones((2, 4)))).all()


def test_a_file_for_one_number_of_rows_is_refused_in_words() -> None:
    nodes = [
        onnx.helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    arrays = {"shape": np.array([1, -1]), "w": np.zeros((4, 2), "float32")}
    with pytest.raises(ShapeError, match=r"any number of rows.*exactly 1.*dynamic axes"):
        network_of(program_of(model_of(nodes, [1, 2, 2], arrays)))


def counting(times: int) -> Any:
    """Return a model in which each of many nodes asks for almost a million numbers."""
    nodes, arrays = [], {"zero": np.array(0), "one": np.array(1), "many": np.array(900_000)}
    for number in range(times):
        nodes.append(onnx.helper.make_node("Range", ["zero", "many", "one"], [f"r{number}"]))
    names = [f"r{number}" for number in range(times)]
    nodes.append(onnx.helper.make_node("Concat", names, ["all"], axis=0))
    nodes.append(onnx.helper.make_node("Cast", ["all"], ["floats"], to=1))
    nodes.append(onnx.helper.make_node("ReduceSum", ["floats"], ["sum"], keepdims=0))
    nodes.append(onnx.helper.make_node("Add", ["x", "sum"], ["y"]))
    return model_of(nodes, ["n", 4], arrays)


def endless() -> Any:
    """Return a model whose shape follows from more numbers than any memory holds."""
    make = onnx.helper.make_node
    nodes = [
        make(
            "ConstantOfShape",
            ["size"],
            ["zeros"],
            value=onnx.numpy_helper.from_array(np.array([4])),
        ),
        make("ReduceMax", ["zeros"], ["most"], keepdims=1),
        make("Reshape", ["x", "most"], ["y"]),
    ]
    return model_of(nodes, ["n", 4], {"size": np.array([2**40])})


def nested(depth: int) -> Any:
    """Return a model of scans in scans, 500 steps each."""
    helper = onnx.helper
    inner = [helper.make_node("Identity", ["s"], ["t"]), helper.make_node("Identity", ["s"], ["o"])]
    for level in range(depth):
        ports = [helper.make_tensor_value_info(name, 1, None) for name in ("s", "e")]
        outs = [helper.make_tensor_value_info(name, 1, None) for name in ("t", "o")]
        body = helper.make_graph(inner, f"body{level}", ports, outs)
        scan = helper.make_node("Scan", ["s", "steps"], ["t", "all"], body=body, num_scan_inputs=1)
        inner = [scan, helper.make_node("Identity", ["s"], ["o"])]
    first = helper.make_node("Identity", ["x"], ["s"])
    nodes = [first, inner[0], helper.make_node("Identity", ["t"], ["y"])]
    return model_of(nodes, ["n", 4], {"steps": np.zeros(500, "float32")})


HOSTILE: list[tuple[str, Any, str]] = [
    ("numbers without end", lambda: counting(40), "numbers made of shapes"),
    ("a shape of what no memory holds", endless, "known before|of at most"),
    ("scans in scans", lambda: nested(4), "steps in all"),
    (
        "a neighborhood without end",
        lambda: model_of(
            [onnx.helper.make_node("LRN", ["x"], ["y"], size=2**62)], ["n", 4, 2, 2], {}
        ),
        "at most 1,000",
    ),
    (
        "a row without end",
        lambda: model_of([onnx.helper.make_node("Relu", ["x"], ["y"])], ["n", 2**40], {}),
        "numbers in a row",
    ),
    (
        "a window without end",
        lambda: model_of(
            [onnx.helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2**30, 2**30])],
            ["n", 1, 4, 4],
            {},
        ),
        "window",
    ),
]


@pytest.mark.parametrize(("what", "make", "words"), HOSTILE, ids=[one[0] for one in HOSTILE])
def test_a_file_can_not_ask_for_more_than_it_brings(
    what: str, make: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("misstep.onnx_operators.importing.call.MOST_VALUES", 5000)
    with pytest.raises(MisstepError, match=words):
        network_of(program_of(make()))


def test_numbers_in_other_files_are_refused() -> None:
    proto = perceptron()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(NotYetError, match="another file"):
        program_of(proto)


def test_a_size_that_is_only_said_takes_no_memory() -> None:
    proto = perceptron()
    proto.graph.initializer[0].dims[:] = [2**40, 2**20]
    with pytest.raises(FileFormatError, match="bytes"):
        program_of(proto)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not protobuf at all", b"\xff" * 64])
def test_what_is_no_onnx_file_is_refused(content: bytes) -> None:
    with pytest.raises(FileFormatError, match="ONNX file"):
        program_of_bytes(content, "broken.onnx")


def test_a_network_goes_through_a_file(tmp_path: Path) -> None:
    network = ms.Network(ms.Sequential(ms.Dense(3), ms.Tanh(), ms.Dense(2)), input_shape=(4,))
    network.to_onnx(tmp_path / "n.onnx", loss=ms.CrossEntropy())
    back = ms.from_onnx(tmp_path / "n.onnx")
    x = RANDOM.normal(size=(3, 4)).astype("float32")
    expected = network.predict(x, loss=ms.CrossEntropy())
    np.testing.assert_allclose(back.predict(x), expected, rtol=1e-5, atol=1e-6)
    assert isinstance(back.module, ImportedGraph)
    with pytest.raises(MisstepError, match="No such file"):
        from_onnx(tmp_path / "absent.onnx")


def test_numbers_that_a_file_holds_once_are_each_layers_own() -> None:
    helper = onnx.helper
    nodes = [
        helper.make_node("Identity", ["a.weight"], ["b.weight"]),
        helper.make_node("Gemm", ["x", "a.weight"], ["h"]),
        helper.make_node("Gemm", ["h", "b.weight"], ["y"]),
    ]
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ("rows", 3)) for name in "xy"
    ]
    weight = RANDOM.normal(size=(3, 3)).astype("float32")
    arrays = [onnx.numpy_helper.from_array(weight, "a.weight")]
    model = helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:], arrays))
    network = network_of(program_of(model))
    assert network.parameter_count == 18
    x = RANDOM.normal(size=(4, 3)).astype("float32")
    np.testing.assert_allclose(network.predict(x), x @ weight @ weight, rtol=1e-4, atol=1e-5)
