"""A served model: its answers are those of the model, its errors say where, its door is guarded."""

from __future__ import annotations

import base64
import http.client
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from raw_requests import ask, post, request

import misstep as ms
from misstep.data import Images, read_table
from misstep.data.sequence.sequence_json import sequences_of_json
from misstep.errors import DataError
from misstep.modeling.service import Service
from misstep.web.access import Access
from misstep.web.guard import Limits
from misstep.web.serve.application import RULES, model_application
from misstep.web.serve.queue import BusyError, LateError, Queue
from misstep.web.serving import Server

TABLE = {
    "age": [20 + i % 40 if i % 7 else None for i in range(80)],
    "town": [("Ulm", "Bonn", "Köln")[i % 3] for i in range(80)],
    "when": [f"2021-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(80)],
}
ANSWERS = ["yes" if i % 3 else "no" for i in range(80)]
ROW = {"age": 33, "town": "Ulm", "when": "2021-05-04"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("served") / "model.misstep"
    ms.Classifier(epochs=1, network="dense4").fit(read_table(TABLE).frame, ANSWERS).save(path)
    return ms.load_model(path)


@pytest.fixture(scope="module")
def server(model: Any) -> Iterator[Server]:
    with served(model) as server:
        yield server


def served(model: Any, **how: Any) -> Server:
    seconds = how.pop("seconds", 20.0)
    service = Service(model, "people", most_rows=50)
    limits = Limits(body=100_000, seconds=30)
    return Server(
        lambda access: model_application(service, access, seconds),
        limits=limits,
        rules=RULES,
        **how,
    )


def asked(
    server: Server, path: str, question: Any = None, *lines: str, **how: Any
) -> tuple[int, Any]:
    port = server.access.port
    if question is None:
        answer = ask(port, request(port, path, *lines, **how))
    else:
        body = question if isinstance(question, bytes) else json.dumps(question).encode()
        heads = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        own = [head for head in heads if head.split(":")[0] not in str(lines)]
        answer = ask(port, request(port, path, *own, *lines, method="POST", body=body, **how))
    return answer.status, json.loads(answer.body) if answer.body else None


def until_ready(server: Server) -> None:
    end = time.monotonic() + 20
    while asked(server, "/ready")[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_predictions_are_those_of_the_model(server: Server, model: Any) -> None:
    until_ready(server)
    rows = [ROW, {**ROW, "age": None, "town": "Bonn"}, {**ROW, "town": None, "when": None}] * 4
    outputs = model.outputs({name: [row[name] for row in rows] for name in ROW})
    for some in (rows[:1], rows):
        status, told = asked(server, "/api/predict", {"rows": some})
        assert status == 200
        for one, shares in zip(told["predictions"], outputs, strict=False):
            assert list(one["probabilities"].values()) == shares.tolist()
            assert one["probability"] == shares.max()
            assert one["prediction"] == model.target.classes[shares.argmax()]


def test_what_was_noticed_comes_along(server: Server) -> None:
    row = {**ROW, "town": "Paris", "further": [1]}
    status, told = asked(server, "/api/predict", {"rows": [{**row, "further": 3}]})
    assert status == 200
    assert "category that training had not" in str(told["notes"])
    assert "'further'" in str(told["notes"])


WRONG: dict[str, tuple[Any, str]] = {
    "no rows": ({}, "rows"),
    "rows that are none": ({"rows": 3}, "rows"),
    "an empty list": ({"rows": []}, "rows"),
    "too many rows": ({"rows": [ROW] * 51}, "rows"),
    "another field": ({"rows": [ROW], "row": ROW}, "row"),
    "a row that is a list": ({"rows": [ROW, [1]]}, "rows[1]"),
    "a field that is not there": ({"rows": [{"age": 3, "town": "Ulm"}]}, "rows[0].when"),
    "a list in a field": ({"rows": [{**ROW, "age": [1]}]}, "rows[0].age"),
    "a word for a number": ({"rows": [ROW, {**ROW, "age": "old"}]}, "rows[1].age"),
    "no finite number": (b'{"rows": [{"age": 1e999, "town": "Ulm", "when": null}]}', "rows[0].age"),
    "no date": ({"rows": [ROW, {**ROW, "when": "soon"}]}, "rows[1].when"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_where(server: Server, name: str) -> None:
    question, field = WRONG[name]
    status, told = asked(server, "/api/predict", question)
    assert (status, told["field"]) == (422, field), told
    assert told["needed"]
    assert told["error"].startswith(field)


def test_an_explanation_is_that_of_the_model(server: Server, model: Any) -> None:
    found = model.explain({name: [cell] for name, cell in ROW.items()})
    status, told = asked(server, "/api/explain", {"row": ROW, "top": 2})
    assert status == 200
    assert told["prediction"] == found.prediction
    assert [one["name"] for one in told["parts"]] == [one.name for one in found.inputs[:2]]
    assert told["parts"][0]["contribution"] == pytest.approx(found.inputs[0].contribution, rel=1e-5)
    assert told["more_parts"] == 1
    for question, field in (
        ({}, "row"),
        ({"row": ROW, "top": 0}, "top"),
        ({"row": {**ROW, "age": "old"}}, "row.age"),
        ({"row": {}}, "row.age"),
    ):
        status, told = asked(server, "/api/explain", question)
        assert (status, told["field"]) == (422, field)


def test_the_document_says_what_is_asked_and_answered(server: Server) -> None:
    status, document = asked(server, "/api/openapi.json")
    assert status == 200
    schemas = document["components"]["schemas"]
    assert list(schemas["Row"]["properties"]) == list(ROW)
    assert schemas["Question"]["properties"]["rows"]["maxItems"] == 50
    assert schemas["Prediction"]["properties"]["prediction"]["enum"] == ["no", "yes"]
    named = [one["$ref"] for one in _references(document)]
    assert {name.rpartition("/")[2] for name in named} <= set(schemas)
    example = schemas["Row"]["example"]
    assert asked(server, "/api/predict", {"rows": [example]})[0] == 200
    for path, methods in document["paths"].items():
        for method in methods:
            answer = asked(server, path) if method == "get" else asked(server, path, {})
            assert answer[0] not in (404, 405, 500)


def _references(value: Any) -> list[dict[str, str]]:
    if isinstance(value, list):
        return [found for one in value for found in _references(one)]
    if not isinstance(value, dict):
        return []
    own = [value] if "$ref" in value else []
    return own + [found for one in value.values() for found in _references(one)]


def test_the_page_and_what_the_model_is(server: Server) -> None:
    port = server.access.port
    for path in ("/", "/serve.js", "/serve.css", "/theme.css", "/icon.svg"):
        assert ask(port, request(port, path)).status == 200
    page = ask(port, request(port, "/")).body
    assert b"http" not in page.replace(b"POST /api", b"")
    assert b"style=" not in page
    status, about = asked(server, "/api/model")
    assert (status, about["task"], about["classes"]) == (200, "classification", ["no", "yes"])
    assert asked(server, "/health") == (200, {"status": "here"})


def test_the_door_is_guarded(server: Server) -> None:
    def refused(*lines: str, question: Any = None, path: str = "/api/predict", **how: Any) -> int:
        asked_for = {"rows": [ROW]} if question is None else question
        return asked(server, path, asked_for, *lines, **how)[0]

    assert refused() == 200
    assert refused(host="evil.example") == 421
    assert refused("Origin: http://evil.example") == 403
    assert refused("Sec-Fetch-Site: cross-site") == 403
    assert refused("Content-Type: text/plain") == 415
    assert refused("Content-Type: application/x-www-form-urlencoded") == 415
    assert refused("Content-Encoding: gzip") == 415
    assert refused("Transfer-Encoding: chunked") == 400
    assert refused(question=b"[1]") == 400
    assert refused(question=b"{") == 400
    assert refused(question=b"[" * 90_000) == 400
    assert refused(question=b'{"rows": "' + b"a" * 100_000 + b'"}') == 413
    assert refused(path="/api/nothing") == 404
    own = f"Origin: http://127.0.0.1:{server.access.port}"
    assert refused(own, "Sec-Fetch-Site: same-origin") == 200


def test_others_need_the_token(model: Any) -> None:
    secret = "a token of our own 123"
    with served(model, host="0.0.0.0", token=secret, names=["model.example:80"]) as server:
        port = server.access.port
        host = f"127.0.0.1:{port}"
        assert asked(server, "/health", host=host)[0] == 200
        assert asked(server, "/api/model", host=host)[0] == 401
        status, told = asked(server, "/api/predict", {"rows": [ROW]}, host=host)
        assert status == 401
        assert "token" in told["error"]
        bearer = f"Authorization: Bearer {secret}"
        assert asked(server, "/api/predict", {"rows": [ROW]}, bearer, host=host)[0] == 200
        own = f"X-Misstep-Token: {secret}"
        assert asked(server, "/api/model", None, own, host=host)[0] == 200
        for wrong in (f"{bearer}4", "Authorization: Basic abc", f"{bearer[:-1]}"):
            assert asked(server, "/api/predict", {"rows": [ROW]}, wrong, host=host)[0] == 401
        assert asked(server, "/health", host="model.example:80")[0] == 200
        assert asked(server, "/health", host="other.example:80")[0] == 421


def test_a_page_of_its_own_still_takes_no_bearer(model: Any) -> None:
    service = Service(model)
    with Server(lambda access: model_application(service, access, 5.0)) as server:
        port, token = server.access.port, server.access.token
        raw = post(port, "", f"Authorization: Bearer {token}", target="/api/predict")
        assert ask(port, raw).status == 403


def test_a_connection_is_kept(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.access.port, timeout=10)
    body = json.dumps({"rows": [ROW]})
    answers = []
    for _ in range(3):
        connection.request("POST", "/api/predict", body, {"Content-Type": "application/json"})
        answers.append(connection.getresponse().read())
    connection.close()
    assert answers[0] == answers[1] == answers[2]


def test_many_at_once_get_the_answers_of_one(server: Server) -> None:
    until_ready(server)
    alone = asked(server, "/api/predict", {"rows": [ROW]})[1]["predictions"][0]
    found: list[Any] = []

    def several(rows: int) -> None:
        found.extend(asked(server, "/api/predict", {"rows": [ROW] * rows})[1]["predictions"])

    threads = [threading.Thread(target=several, args=(rows,)) for rows in (1, 2, 9, 30, 1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 48
    assert all(one["prediction"] == alone["prediction"] for one in found)
    assert all(one["probability"] == pytest.approx(alone["probability"]) for one in found)


def test_what_takes_too_long_is_said(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Service, "explain", lambda self, asked: time.sleep(0.5))
    with served(model, seconds=0.1) as server:
        status, told = asked(server, "/api/explain", {"row": ROW})
        assert (status, "took longer" in told["error"]) == (504, True)


def test_a_model_that_can_not_be_run_is_never_ready(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Service) -> None:
        raise ValueError("no")

    monkeypatch.setattr(Service, "warm", fail)
    with served(model) as server:
        time.sleep(0.05)
        assert asked(server, "/ready")[0] == 503


def test_a_queue_turns_away_what_waits_too_long() -> None:
    import asyncio

    async def three() -> list[str]:
        queue = Queue(2, 0.05)
        held = threading.Event()
        slow = asyncio.create_task(queue.answer(lambda: held.wait(5)))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(queue.answer(lambda: 2))
        await asyncio.sleep(0)
        said = []
        for one in (queue.answer(lambda: 3), slow, second):
            try:
                said.append(str(await one))
            except (BusyError, LateError) as error:
                said.append(type(error).__name__)
        held.set()
        await asyncio.sleep(0.02)
        return [*said, str(await queue.answer(lambda: 4))]

    assert asyncio.run(three()) == ["BusyError", "LateError", "LateError", "4"]


# --- other kinds of data ------------------------------------------------------------------------


def test_pictures_come_as_files_pixels_or_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (24, 8, 8), dtype=np.uint8)
    labels = np.array(["dark", "light"])[(pixels.mean(axis=(1, 2)) > 127).astype(int)]
    labels[:2] = ["dark", "light"]
    ms.Classifier(epochs=1).fit(pixels, labels).save(tmp_path / "model.misstep")
    model = ms.load_model(tmp_path / "model.misstep")
    assert isinstance(model.preprocessing.rows_of(pixels), Images)
    file = io.BytesIO()
    Image.fromarray(pixels[3]).save(file, "PNG")
    packed = base64.b64encode(file.getvalue()).decode()
    expected = model.outputs(pixels[3:4])[0].tolist()
    with served(model) as server:
        rows = [
            {"image": packed},
            {"image": f"data:image/png;base64,{packed}"},
            {"pixels": pixels[3].tolist()},
        ]
        status, told = asked(server, "/api/predict", {"rows": rows})
        assert status == 200
        for one in told["predictions"]:
            assert list(one["probabilities"].values()) == expected
        status, told = asked(server, "/api/predict", file.getvalue(), "Content-Type: image/png")
        assert list(told["predictions"][0]["probabilities"].values()) == expected
        for row, field in (
            ({"image": "@@"}, "rows[0].image"),
            ({"image": base64.b64encode(b"no image").decode()}, "rows[0].image"),
            ({"pixels": [[1]]}, "rows[0].pixels"),
            ({"pixels": [[1], [2, 3]]}, "rows[0].pixels"),
            ({"pixels": [["a"] * 8] * 8}, "rows[0].pixels"),
            ({"pixels": [[True] * 8] * 8}, "rows[0].pixels"),
            ({"image": "", "pixels": []}, "rows[0]"),
            ("a", "rows[0]"),
        ):
            status, told = asked(server, "/api/predict", {"rows": [row]})
            assert (status, told["field"]) == (422, field), told


def test_sequences_and_series(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 6, 2))
    labels = np.where(values[:, :, 0].mean(axis=1) > 0, "up", "down")
    ms.Classifier(epochs=1).fit(values, labels).save(tmp_path / "moves.misstep")
    service = Service(ms.load_model(tmp_path / "moves.misstep"))
    rows = [{"steps": values[0].tolist()}, {"steps": [[0.5, None], [1, 2]]}]
    told = service.predict({"rows": rows})["predictions"]
    expected = service.model.outputs(values[:1])[0]
    assert list(told[0]["probabilities"].values()) == pytest.approx(expected.tolist())
    for row, field in (
        ({"steps": []}, "rows[0]"),
        ({"steps": [[1]]}, "rows[0].steps[0]"),
        ({"steps": [[1, 2], [1, "a"]]}, "rows[0].steps[1][1]"),
    ):
        with pytest.raises(ms.errors.DataError) as error:
            service.predict({"rows": [row]})
        assert error.value.which == field

    walk = rng.normal(size=80).cumsum()
    ms.Forecaster(horizon=3, epochs=1).fit(walk).save(tmp_path / "walk.misstep")
    service = Service(ms.load_model(tmp_path / "walk.misstep"))
    service.warm()
    steps = service.predict({"steps": 2})["predictions"]
    frame = service.model.forecast(steps=2)  # type: ignore[attr-defined]
    assert [one["prediction"] for one in steps] == frame["prediction"].tolist()
    name = service.model.target.name
    again = service.predict({"rows": [{name: number} for number in walk.tolist()]})
    assert again["predictions"][0]["prediction"] == steps[0]["prediction"]
    with pytest.raises(ms.errors.ArgumentError):
        service.predict({"steps": 4})
    with pytest.raises(ms.errors.DataError):
        service.predict({"rows": [{name: 1.0}]})


def test_several_answers_each_have_their_name(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    labels, path = (x > 0).astype(int), tmp_path / "model.misstep"
    ms.Classifier("dense4", epochs=1).fit(x, labels).save(path)
    model = ms.load_model(path)
    names = [str(name) for name in model.target.names]
    row, outputs = x[:1].tolist(), model.outputs(x[:1])
    with served(model) as server:
        until_ready(server)
        status, told = asked(server, "/api/predict", {"rows": row})
        assert status == 200
        one = told["predictions"][0]
        assert one["probabilities"] == dict(zip(names, map(float, outputs[0]), strict=True))
        said = model.predict(x[:1])[0].tolist()
        assert one["prediction"] == dict(zip(names, said, strict=True))
        assert asked(server, "/api/model")[1]["answers"] == names
        status, told = asked(server, "/api/explain", {"row": row[0]})
        assert (status, told["field"]) == (422, "answer")
        status, told = asked(server, "/api/explain", {"row": row[0], "answer": names[1]})
        assert status == 200
        assert told["parts"]


def test_a_question_has_an_end_in_memory(tmp_path: Path) -> None:
    x, path = np.zeros((20, 64)), tmp_path / "model.misstep"
    ms.Classifier("dense2", epochs=1).fit(x, np.arange(20) % 2).save(path)
    service = Service(ms.load_model(path), most_rows=10**9)
    assert service.most_rows == 2**25 // service.model.preprocessing.number_of_features
    steps = [[0.0]] * 4_000
    rows = [{"steps": steps}, *({"steps": [[0.0]]} for _ in range(9_000))]
    with pytest.raises(DataError, match="the longest of 4,000 steps"):
        sequences_of_json(rows, ["one"])


def test_names_of_a_server() -> None:
    access = Access("machine", 8_000, is_local=False, names=frozenset({"model.example"}))
    assert access.admits("MODEL.example", "10.0.0.3")
    assert not access.admits("model.example:8000", "10.0.0.3")
