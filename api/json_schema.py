"""JSON Schema 2020-12 of Python types: what an answer holds is written down once, as a TypedDict (pure).

What JSON Schema can say and Python's types can not stands in `Annotated`, by its own keywords:
`Annotated[str, Facets(pattern="^dom_")]`. A TypedDict becomes a named component, its docstring the description.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

JsonSchema = dict[str, Any]

# A type as it may stand in an annotation; typing has no narrower word for all of them.
Shape = Any

SIMPLE: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
REFERENCE = "#/components/schemas/{}"


class Facets:
    """Further keywords of a schema."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


class NotASchema(TypeError):
    """A type that no JSON value is told by."""


class Components:
    """Turns types into schemas and keeps the named ones among them."""

    def __init__(self, spell: Callable[[str], str] = str) -> None:
        self.spell = spell
        self.schemas: dict[str, JsonSchema] = {}
        self._owners: dict[str, type] = {}

    def schema_of(self, shape: Shape, *, is_open: bool = False) -> JsonSchema:
        """The schema of one shape, objects as references; an open object may hold more than is said of it."""
        if shape in SIMPLE:
            return {"type": SIMPLE[shape]}
        if shape in (Any, object):
            return {}
        if is_typeddict(shape):
            return {"$ref": REFERENCE.format(self._name_of(shape, is_open=is_open))}
        origin: object = get_origin(shape)
        arguments = get_args(shape)
        if origin is Annotated:
            inner, *facets = arguments
            schema = self.schema_of(inner, is_open=is_open)
            for each in facets:
                schema |= each.keywords
            return schema
        if origin is Literal:
            return _words(arguments)
        if origin in (Union, types.UnionType):
            return _either([self.schema_of(each, is_open=is_open) for each in arguments])
        if origin in (list, Sequence):
            return {"type": "array", "items": self.schema_of(arguments[0], is_open=is_open)}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.schema_of(arguments[1], is_open=is_open)}
        raise NotASchema(f"no JSON value is told by {shape!r}")

    def _name_of(self, shape: type, *, is_open: bool) -> str:
        name = shape.__name__
        if self._owners.setdefault(name, shape) is not shape:
            raise NotASchema(f"two types of one document are called {name}")
        if name not in self.schemas:
            # Before its fields: one of them may be of the same type.
            self.schemas[name] = {}
            self.schemas[name].update(self._object(shape, is_open=is_open))
        return name

    def _object(self, shape: type, *, is_open: bool) -> JsonSchema:
        fields = {self.spell(name): field for name, field in fields_of(shape).items()}
        schema: JsonSchema = {"type": "object"}
        if shape.__doc__:
            schema["description"] = inspect.cleandoc(shape.__doc__)
        schema["properties"] = {name: self.schema_of(field, is_open=is_open) for name, (field, _) in fields.items()}
        required = [name for name, (_, is_required) in fields.items() if is_required]
        if required:
            schema["required"] = required
        return schema if is_open else schema | {"additionalProperties": False}


def fields_of(shape: type) -> dict[str, tuple[Shape, bool]]:
    """The fields of a TypedDict in their order: the shape of each, and whether it is always there."""
    found = {}
    for name, hint in get_type_hints(shape, include_extras=True).items():
        is_optional = get_origin(hint) is NotRequired
        found[name] = (get_args(hint)[0] if is_optional else hint, not is_optional)
    return found


def _words(words: Sequence[object]) -> JsonSchema:
    kinds = sorted({SIMPLE[type(word)] for word in words})
    type_: object = kinds[0] if len(kinds) == 1 else kinds
    return {"type": type_, "const": words[0]} if len(words) == 1 else {"type": type_, "enum": list(words)}


def _either(schemas: list[JsonSchema]) -> JsonSchema:
    """One of these; `null` beside one plain type is told in that type's own schema."""
    null = {"type": "null"}
    others = [schema for schema in schemas if schema != null]
    if len(others) == 1 and len(schemas) == 2:
        (only,) = others
        if isinstance(only.get("type"), str) and not {"enum", "const"} & only.keys():
            return only | {"type": [only["type"], "null"]}
    return {"anyOf": schemas}
