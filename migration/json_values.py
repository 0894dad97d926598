"""Frozen dataclasses as canonical JSON and back, by their fields' types. Pure.

Canonical: UTF-8, keys sorted, no blanks, LF at the end; every field is written, so that a file explains itself. Types:
dataclasses, enumerations, texts, whole numbers, truth values, tuples of these, and `None` beside one of them.
"""

import json
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(form: str, value: object) -> bytes:
    """A value in a document that says its form, `urn:jiexu:…:1`."""
    document = {"format": form, "value": _plain(value)}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode(form: str, kind: type[T], data: bytes) -> T:
    """The value of type `kind` in a document of this form.

    Raises ValueError, naming the field, for anything else, also for the same value written in another way.
    """
    document = json.loads(data)
    if not isinstance(document, dict) or set(document) != {"format", "value"}:
        raise ValueError("not a document with format and value")
    if document["format"] != form:
        raise ValueError(f"the format is not {form}")
    value: T = _value(kind, document["value"], kind.__name__)
    if encode(form, value) != data:
        raise ValueError("not written canonically")
    return value


def _plain(value: object) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@cache
def _types(kind: type[object]) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, plain: object, place: str) -> Any:
    if is_dataclass(kind):
        return _fields(kind, plain, place)
    if get_origin(kind) is UnionType:
        wanted = [choice for choice in get_args(kind) if choice is not NoneType]
        return None if plain is None else _value(wanted[0], plain, place)
    if get_origin(kind) is tuple:
        return _items(get_args(kind), plain, place)
    if issubclass(kind, StrEnum):
        return kind(plain)
    if type(plain) is not kind:
        raise ValueError(f"{place} is not {kind.__name__}")
    return plain


def _fields(kind: Any, plain: object, place: str) -> Any:
    types = _types(kind)
    if not isinstance(plain, dict) or set(plain) != set(types):
        raise ValueError(f"{place} has other fields")
    return kind(**{name: _value(types[name], plain[name], f"{place}.{name}") for name in types})


def _items(kinds: tuple[Any, ...], plain: object, place: str) -> tuple[Any, ...]:
    if type(plain) is not list:
        raise ValueError(f"{place} is not a list")
    if kinds[1:] == (Ellipsis,):
        return tuple(_value(kinds[0], item, place) for item in plain)
    if len(plain) != len(kinds):
        raise ValueError(f"{place} has another length")
    return tuple(_value(kind, item, place) for kind, item in zip(kinds, plain, strict=True))
