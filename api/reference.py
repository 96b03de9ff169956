"""A contract's OpenAPI document as a page shows it: operations by group, and the shapes that they name (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from api.json_schema import JsonSchema

# Keywords that are told as they stand, in these words.
BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "{} characters at most"),
    ("minItems", "{} or more of them"),
    ("pattern", "like {}"),
    ("default", "{} where it is not given"),
)


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of an object; `shape` is the name of another shape that `words` speak of, or empty."""

    name: str
    words: str
    shape: str
    is_required: bool
    notes: str
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """One status; `examples` are whole bodies by the name of the reason."""

    status: str
    description: str
    words: str
    shape: str
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Call:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: Field | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Group:
    """The operations of one part of the contract."""

    name: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class ShownShape:
    """A named object and its fields."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Reference:
    """The page of one document."""

    title: str
    text: str
    servers: tuple[str, ...]
    groups: tuple[Group, ...]
    shapes: tuple[ShownShape, ...]


def reference_of(document: JsonSchema) -> Reference:
    groups: dict[str, list[Call]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            call = _call(document, path, method, operation)
            groups.setdefault(operation["tags"][0].replace("_", " "), []).append(call)
    schemas = document["components"]["schemas"]
    return Reference(
        title=document["info"]["title"],
        text=document["info"]["description"],
        servers=tuple(server["url"] for server in document["servers"]),
        groups=tuple(Group(name, tuple(calls)) for name, calls in groups.items()),
        shapes=tuple(ShownShape(name, each.get("description", ""), _fields(each)) for name, each in schemas.items()),
    )


def _call(document: JsonSchema, path: str, method: str, operation: JsonSchema) -> Call:
    body = operation.get("requestBody")
    return Call(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=tuple(_parameter(each) for each in operation["parameters"]),
        body=_field("body", _json(body), is_required=body["required"]) if body else None,
        answers=tuple(_answers(document, operation["responses"])),
    )


def _parameter(parameter: JsonSchema) -> Field:
    field = _field(parameter["name"], parameter["schema"], is_required=parameter["required"], place=parameter["in"])
    return replace(field, notes="; ".join(filter(None, (parameter.get("description"), field.notes))))


def _answers(document: JsonSchema, responses: Mapping[str, JsonSchema]) -> Iterator[Answer]:
    for status, response in responses.items():
        if "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        contents: Mapping[str, JsonSchema] = response.get("content", {})
        media_type, content = next(iter(contents.items()), ("", JsonSchema()))
        words, shape = words_of(content.get("schema", {}))
        if not content.get("schema"):
            words = f"a file, {media_type}" if media_type else "nothing"
        examples = tuple(
            (name, json.dumps(each["value"], ensure_ascii=False)) for name, each in content.get("examples", {}).items()
        )
        yield Answer(status, response["description"], words, shape, examples)


def _json(holder: JsonSchema) -> JsonSchema:
    schema: JsonSchema = holder["content"]["application/json"]["schema"]
    return schema


def _fields(schema: JsonSchema) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        _field(name, each, is_required=name in required) for name, each in schema.get("properties", {}).items()
    )


def _field(name: str, schema: JsonSchema, *, is_required: bool, place: str = "") -> Field:
    words, shape = words_of(schema)
    notes = [template.format(schema[keyword]) for keyword, template in BOUNDS if keyword in schema]
    if "description" in schema:
        notes.insert(0, schema["description"])
    return Field(name, words, shape, is_required, "; ".join(notes), place)


def words_of(schema: JsonSchema) -> tuple[str, str]:
    """What a value of this schema is, in words, and the one named shape among them."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        parts = [words_of(each) for each in schema["anyOf"]]
        return " or ".join(words for words, _ in parts), next((shape for _, shape in parts if shape), "")
    if "const" in schema:
        return f"always {json.dumps(schema['const'])}", ""
    if "enum" in schema:
        return "one of " + ", ".join("null" if word is None else str(word) for word in schema["enum"]), ""
    if schema.get("type") == "array":
        words, shape = words_of(schema["items"])
        return f"list of {words}", shape
    types = schema.get("type", "anything")
    words = " or ".join(types) if isinstance(types, list) else types
    return (f"{words} ({schema['format']})" if "format" in schema else words), ""
