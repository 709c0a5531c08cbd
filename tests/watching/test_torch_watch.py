"""A loop in PyTorch is watched, comes to the same bits, and its record can be diagnosed."""

import contextlib
import copy
import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import misstep as ms
from misstep.record import Role, Task

torch = pytest.importorskip("torch", reason="PyTorch is not installed; watching it is not tested")
F = torch.nn.functional


class Custom(torch.nn.Module):
    """Functions between layers, as most people write them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 16)
        self.drop = torch.nn.Dropout(0.2)
        self.norm = torch.nn.BatchNorm1d(16)
        self.last = torch.nn.Linear(16, 2)

    def forward(self, x: Any) -> Any:
        return self.last(self.norm(self.drop(F.relu(self.first(x)))))


def sequential(*sizes: int, activation: type = torch.nn.ReLU) -> Any:
    layers: list[Any] = []
    for one, other in pairwise(sizes):
        layers += [torch.nn.Linear(one, other), activation()]
    return torch.nn.Sequential(*layers[:-1])


def classes(rows: int = 96) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 4, generator=generator)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def trained(watching: bool, epochs: int = 6, folder: Path | None = None) -> tuple[Any, Any]:
    torch.manual_seed(7)
    model, (x, y) = Custom(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    data = torch.utils.data.TensorDataset(x[:64], y[:64])
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    around: Any = contextlib.nullcontext()
    if watching:
        around = ms.watch(model, optimizer, folder=folder, epochs=epochs)
    with around as watch:
        for _ in range(epochs):
            model.train()
            for batch, answers in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(batch), answers)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
                optimizer.step()
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(x[64:]), y[64:])
    return (model, torch.rand(3)), watch


def test_a_watched_loop_comes_to_the_same_bits() -> None:
    (one, drawn), _ = trained(watching=True)
    (other, drawn_before), _ = trained(watching=False)
    for mine, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(drawn, drawn_before)


def test_torch_is_as_before_when_watching_is_over() -> None:
    before = F.cross_entropy, torch.Tensor.backward, torch.utils.data.DataLoader.__iter__
    (model, _), _ = trained(watching=True)
    after = F.cross_entropy, torch.Tensor.backward, torch.utils.data.DataLoader.__iter__
    assert after == before
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    with pytest.raises(KeyError), ms.watch(model, torch.optim.SGD(model.parameters(), 0.1)):
        raise KeyError("mine")
    assert F.cross_entropy is before[0]


def test_the_record_tells_what_a_stranger_would_need(tmp_path: Path) -> None:
    _, watch = trained(watching=True, folder=tmp_path)
    record = ms.read_record(tmp_path)
    about = record.description
    assert about is not None
    kinds = [(layer.path, layer.kind, layer.role) for layer in about.layers]
    assert kinds == [
        ("first", "Linear", Role.AFFINE),
        ("relu_1", "ReLU", Role.ACTIVATION),
        ("drop", "Dropout", Role.DROPOUT),
        ("norm", "BatchNorm1d", Role.NORMALIZATION),
        ("last", "Linear", Role.AFFINE),
        ("", "Custom", Role.CONTAINER),
    ]
    assert about.layers[0].input_shape == (4,)
    assert [one.name for one in about.layers[0].parameters] == ["first.weight", "first.bias"]
    assert about.layers[0].parameters[0].fan_in == 4
    assert about.layers[1].can_die
    assert about.layers[2].settings["rate"] == 0.2
    assert (about.loss.task, about.loss.takes) == (Task.CLASSES, "logits")
    assert (about.optimizer.kind, about.optimizer.learning_rate) == ("Adam", 0.01)
    assert (about.batch_size, about.updates_per_epoch, about.epochs) == (16, 4, 6)
    assert about.shuffled
    assert about.framework == "torch"
    assert about.inputs is not None
    assert (about.inputs.rows, about.inputs.columns) == (64, 4)
    assert about.answers is not None
    assert sum(about.answers.counts) == 64
    assert about.answers.chance_loss == pytest.approx(np.log(2), abs=0.05)
    assert [clip.settings["limit"] for clip in about.clipping] == [5.0]
    assert len(record.epochs) == 6
    assert all("validation_accuracy" in epoch for epoch in record.epochs)
    assert len(record.steps["loss"]) == 24
    assert {"relu_1"} == set(record.paths("dead_share"))
    assert record.events[-1]["facts"]["cause"] == "epochs_done"
    assert watch.record.steps["loss"].tolist() == record.steps["loss"].tolist()


def test_what_is_written_is_true() -> None:
    """Each number beside the one that a plain loop works out."""
    torch.manual_seed(0)
    x, y = torch.randn(40, 3), torch.randn(40, 1)
    model = sequential(3, 5, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses, gradients, updates, outputs = [], [], [], []
    with ms.watch(model, optimizer) as watch:
        for begin in range(0, 40, 10):
            optimizer.zero_grad()
            prediction = model(x[begin : begin + 10])
            outputs.append(torch.relu(model[0](x[begin : begin + 10])).detach())
            loss = F.mse_loss(prediction, y[begin : begin + 10])
            loss.backward()
            before = model[0].weight.detach().clone()
            gradients.append(model[0].weight.grad.clone())
            optimizer.step()
            updates.append((model[0].weight.detach() - before).norm().item())
            losses.append(loss.item())
    record = watch.record
    assert record.steps["loss"].tolist() == pytest.approx(losses)
    seen = {
        name: record.signal(name, "0.weight")[1][0] for name in ("gradient_norm", "update_norm")
    }
    # A part is of 32 rows or more: here of all four updates, so the look ends with the loop.
    mean = sum(gradients) / 4
    assert seen["gradient_norm"] == pytest.approx(mean.norm().item(), rel=1e-5)
    assert seen["update_norm"] == pytest.approx(updates[0], rel=1e-5)
    relu = torch.cat(outputs)
    assert record.signal("activation_mean", "1")[1][0] == pytest.approx(
        relu.mean().item(), rel=1e-5
    )
    dead = (relu.max(0).values == 0).double().mean().item()
    assert record.signal("dead_share", "1")[1][0] == pytest.approx(dead)
    assert record.signal("zero_share", "1")[1][0] == pytest.approx((relu == 0).double().mean())


def test_full_batches_are_epochs_and_numbers_have_a_chance_loss() -> None:
    torch.manual_seed(0)
    x = torch.randn(30, 2)
    y = x[:, :1] * 2 + 1
    model = sequential(2, 8, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    criterion = torch.nn.MSELoss()
    with ms.watch(model, optimizer) as watch:
        for _ in range(120):
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    about = watch.record.description
    assert about is not None
    assert (about.epochs, about.updates_per_epoch, about.batch_size) == (120, 1, 30)
    assert about.answers is not None
    assert about.answers.chance_loss == pytest.approx(y.var(correction=0).item(), rel=1e-5)
    assert about.inputs is not None
    assert about.inputs.rows == 30
    assert not watch.diagnose().is_critical


def test_slices_of_a_tensor_are_an_epoch_where_they_begin_anew() -> None:
    x, y = classes()
    model = sequential(4, 8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with ms.watch(model, optimizer) as watch:
        for _ in range(3):
            for begin in range(0, 96, 32):
                optimizer.zero_grad()
                F.cross_entropy(model(x[begin : begin + 32]), y[begin : begin + 32]).backward()
                optimizer.step()
    about = watch.record.description
    assert about is not None
    assert (about.epochs, about.updates_per_epoch) == (3, 3)


def test_epochs_and_losses_may_be_told() -> None:
    x, y = classes()
    model = sequential(4, 8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with ms.watch(model, optimizer, loss="cross_entropy") as watch:
        for epoch in range(3):
            for _ in range(2):
                chosen = torch.randperm(96)[:48]
                optimizer.zero_grad()
                scores = torch.log_softmax(model(x[chosen]), 1)
                loss = -scores[torch.arange(48), y[chosen]].mean()
                loss.backward()
                optimizer.step()
                watch.step(loss, targets=y[chosen])
            watch.epoch(validation_loss=0.5 + epoch, validation_accuracy=0.7)
    record = watch.record
    about = record.description
    assert about is not None
    assert about.loss.task is Task.CLASSES
    assert about.answers is not None
    assert sum(about.answers.counts) == 96
    assert [epoch["validation_loss"] for epoch in record.epochs] == [0.5, 1.5, 2.5]
    assert len(record.steps["loss"]) == 6
    assert np.isfinite(record.steps["loss"]).all()


def test_several_batches_make_one_update() -> None:
    x, y = classes()
    model = sequential(4, 8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    with ms.watch(model, optimizer) as watch:
        for _ in range(4):
            optimizer.zero_grad()
            total = 0.0
            for begin in (0, 48):
                loss = F.cross_entropy(model(x[begin : begin + 48]), y[begin : begin + 48])
                (loss / 2).backward()
                total += loss.item() / 2
            optimizer.step()
            expected.append(total)
    about = watch.record.description
    assert about is not None
    assert (about.batch_size, about.accumulate) == (48, 2)
    assert watch.record.steps["loss"].tolist() == pytest.approx(expected)


def test_a_loss_that_is_no_number_is_said() -> None:
    x, y = classes()
    model = sequential(4, 8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e6)
    with ms.watch(model, optimizer) as watch:
        for _ in range(40):
            optimizer.zero_grad()
            F.mse_loss(model(x), y[:, None].float()).backward()
            optimizer.step()
    event = watch.record.events[-1]
    assert event["facts"]["cause"] == "loss_not_finite"
    assert event["facts"]["update"] < 40
    assert watch.diagnose().seconds < 5


SICK = {
    "missing-activation": lambda: torch.nn.Sequential(
        torch.nn.Linear(4, 32), torch.nn.Linear(32, 32), torch.nn.Linear(32, 2)
    ),
    "wrong-output": lambda: torch.nn.Sequential(
        torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2), torch.nn.Softmax(dim=1)
    ),
}


@pytest.mark.parametrize("slug", SICK)
def test_what_goes_wrong_is_found(slug: str) -> None:
    torch.manual_seed(0)
    x, y = classes(400)
    model = SICK[slug]()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True
    )
    with ms.watch(model, optimizer) as watch:
        for _ in range(15):
            for batch, answers in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(batch), answers).backward()
                optimizer.step()
    slugs = [finding.slug for finding in watch.diagnose().findings]
    assert slug in slugs[:2]


def test_convolutions_and_recurrent_layers_are_known() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(10, 8)
            self.lstm = torch.nn.LSTM(8, 6, batch_first=True)
            self.conv = torch.nn.Conv1d(6, 4, 3)
            self.out = torch.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            states, _ = self.lstm(self.embed(x))
            return self.out(torch.relu(self.conv(states.transpose(1, 2))).mean(2))

    torch.manual_seed(0)
    x, y = torch.randint(0, 10, (64, 7)), torch.randint(0, 3, (64,))
    model = Net()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    with ms.watch(model, optimizer) as watch:
        for _ in range(5):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    about = watch.record.description
    assert about is not None
    roles = {layer.path: layer.role for layer in about.layers}
    assert roles["embed"] is Role.EMBEDDING
    assert roles["lstm"] is Role.RECURRENT
    assert roles["conv"] is roles["out"] is Role.AFFINE
    assert about.inputs is not None
    assert about.inputs.kind == "positions"
    # A mean over time is no layer that is known, so that nobody claims to know all that happens.
    assert not about.layers[-1].settings.get("in_order")


def test_what_is_no_model_and_no_optimizer_is_refused(tmp_path: Path) -> None:
    model = sequential(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ms.ArgumentError, match="needed a torch"):
        ms.watch("model", optimizer)
    with pytest.raises(ms.ArgumentError, match="needed a torch"):
        ms.watch(model, model.parameters())
    with pytest.raises(ms.ArgumentError, match="every"):
        ms.watch(model, optimizer, every=-1)
    with pytest.raises(ms.ArgumentError, match="with statement"):
        ms.watch(model, optimizer).diagnose()
    (tmp_path / "record.jsonl").write_text("something else")
    with (
        pytest.raises(ms.MisstepError, match="a folder of its own"),
        ms.watch(model, optimizer, folder=tmp_path),
    ):
        pass


def test_a_copy_of_a_watched_model_is_a_model_of_its_own() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    with ms.watch(model, optimizer) as watch:
        before = copy.deepcopy(model)  # with the hooks of the first pass on it
        for _ in range(3):
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        saved = io.BytesIO()
        torch.save(model, saved)
        best = copy.deepcopy(model)
        for _ in range(5):
            best(x)
            before(x)
    assert torch.equal(best(x), model(x))
    saved.seek(0)
    assert torch.equal(torch.load(saved, weights_only=False)(x), model(x))
    assert len(watch.record.steps["loss"]) == 3
