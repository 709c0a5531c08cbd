"""The OpenAPI document of a served model: what may be asked, and what is answered.

Made from the model: fields of rows, classes, steps of a forecast. Knows a `Service`; no requests.
"""

from __future__ import annotations

from typing import Any

from misstep import __version__
from misstep.data import JointTarget
from misstep.modeling.forecast import ForecastModel
from misstep.modeling.service import Service

__all__ = ["openapi_document"]

VERSION = "3.1.0"
ERRORS = {
    "400": "No JSON object.",
    "401": "The token is needed, since others than this machine can reach the server.",
    "413": "More content than is read.",
    "422": "The question can't be answered: which field, what was needed, what came.",
    "503": "Too many questions wait; try again later.",
    "504": "The answer took longer than is allowed.",
}


def openapi_document(service: Service, address: str) -> dict[str, Any]:
    """Return the document; `address`: where the server is."""
    target = service.model.target.name
    paths: dict[str, Any] = {
        "/api/predict": {"post": _predict(service)},
        "/api/model": {"get": _reading("What the model is, and how well it did.")},
        "/api/openapi.json": {"get": _reading("This document.")},
        "/health": {"get": _reading("Whether the server is there.", open_to_all=True)},
        "/ready": {
            "get": _reading("Whether the model is ready; 503 until then.", open_to_all=True)
        },
    }
    if not service.forecasts:
        paths["/api/explain"] = {"post": _explain(service)}
    return {
        "openapi": VERSION,
        "info": {
            "title": f"{service.name}: predicts {target}",
            "version": __version__,
            "description": "A model that misstep trained and serves.",
        },
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "schemas": {
                "Row": service.row_schema(),
                "Question": _question(service),
                "Prediction": _prediction(service),
                "Error": _ERROR,
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


_ERROR = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "all of it in a sentence"},
        "field": {"type": "string", "description": "where: rows[3].age"},
        "needed": {"type": ["string", "null"]},
        "got": {"type": ["string", "null"]},
        "try": {"type": ["string", "null"]},
    },
    "required": ["error"],
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _errors() -> dict[str, Any]:
    return {
        status: {"description": words, "content": _json(_reference("Error"))}
        for status, words in ERRORS.items()
    }


def _predict(service: Service) -> dict[str, Any]:
    answer = {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": _reference("Prediction")},
            "notes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "what was noticed, such as a category that training had not",
            },
        },
        "required": ["predictions", "notes"],
    }
    what = "The next steps of the series" if service.forecasts else "A prediction for each row"
    content = _json(_reference("Question"))
    if service.model.preprocessing.sample_name == "image":
        file = {"schema": {"type": "string", "format": "binary"}}
        content |= dict.fromkeys(("image/png", "image/jpeg"), file)
    return {
        "summary": f"{what}.",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": what, "content": _json(answer)}, **_errors()},
    }


def _explain(service: Service) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "row": _reference("Row"),
        "top": {"type": "integer", "minimum": 1, "description": "how many parts to list"},
    }
    needed, target = ["row"], service.model.target
    if isinstance(target, JointTarget):
        names = [str(name) for name in target.names]
        fields["answer"] = {"enum": names, "description": "which of the answers is explained"}
        needed.append("answer")
    question = {
        "type": "object",
        "properties": fields,
        "required": needed,
        "additionalProperties": False,
    }
    what = "What each part of a row did to its prediction, the largest first."
    return {
        "summary": what,
        "requestBody": {"required": True, "content": _json(question)},
        "responses": {
            "200": {"description": what, "content": _json({"type": "object"})},
            **_errors(),
        },
    }


def _reading(words: str, *, open_to_all: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "summary": words,
        "responses": {"200": {"description": words, "content": _json({"type": "object"})}},
    }
    return answer | ({"security": []} if open_to_all else {})


def _question(service: Service) -> dict[str, Any]:
    rows: dict[str, Any] = {"type": "array", "items": _reference("Row"), "minItems": 1}
    rows["maxItems"] = service.most_rows
    fields: dict[str, Any] = {"rows": rows}
    model = service.model
    if isinstance(model, ForecastModel):
        window = model.preprocessing.window
        rows["description"] = (
            f"the newest rows, at least {window}, the oldest first; without them the forecast "
            "follows what was learned from"
        )
        fields["steps"] = {"type": "integer", "minimum": 1, "maximum": model.horizon}
    question = {"type": "object", "properties": fields, "additionalProperties": False}
    return question if service.forecasts else question | {"required": ["rows"]}


def _prediction(service: Service) -> dict[str, Any]:
    target = service.model.target
    number = {"type": "number"}
    if service.forecasts:
        fields: dict[str, Any] = {
            "step": {"type": "integer"},
            "date": {"type": "string"},
            "prediction": number,
            "lower": number,
            "upper": number,
        }
        return {"type": "object", "properties": fields, "required": ["step", "prediction"]}
    if isinstance(target, JointTarget):
        called = [str(name) for name in target.names]
        each = {"type": "object", "properties": dict.fromkeys(called, number), "required": called}
        told = ("prediction",) if target.is_number else ("prediction", "probabilities")
        fields = dict.fromkeys(told, each)
        return {"type": "object", "properties": fields, "required": list(told)}
    if target.is_number:
        fields = {"prediction": number | {"description": target.name}}
        return {"type": "object", "properties": fields, "required": ["prediction"]}
    names = list(map(str, target.classes))
    fields = {
        "prediction": {"enum": list(target.classes), "description": target.name},
        "probability": number | {"minimum": 0, "maximum": 1},
        "probabilities": {
            "type": "object",
            "properties": dict.fromkeys(names, number),
            "required": names,
        },
    }
    return {"type": "object", "properties": fields, "required": list(fields)}
