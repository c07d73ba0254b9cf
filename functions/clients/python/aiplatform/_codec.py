"""JSON ↔ records. Names are snake_case here and lowerCamel there; what is not known is left out, so that old clients read new answers."""

from __future__ import annotations

import dataclasses
import functools
import types as python_types
import typing
from datetime import datetime, timezone
from typing import Any

_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def camel(name: str) -> str:
    """snake_case → lowerCamel; an underscore at the end only keeps a name from being a keyword."""
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def encode(value: Any) -> Any:
    """What ``json.dumps`` takes. None in a record is left out; None in a dictionary of the caller's is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((item, getattr(value, item.name)) for item in dataclasses.fields(value))
        return {item.metadata.get("name") or camel(item.name): encode(inner) for item, inner in pairs if inner is not None}
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): encode(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(inner) for inner in value]
    return value


def decode(kind: Any, value: Any) -> Any:
    """A value of JSON as the annotation says."""
    origin = typing.get_origin(kind)
    if value is None or kind is Any or origin is typing.Literal:
        return value
    if origin in (typing.Union, python_types.UnionType):
        return decode(next(part for part in typing.get_args(kind) if part is not type(None)), value)
    if origin is list:
        return [decode(typing.get_args(kind)[0], inner) for inner in value]
    if origin is dict:
        return {key: decode(typing.get_args(kind)[1], inner) for key, inner in value.items()}
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float:
        return _NOT_NUMBERS[value] if isinstance(value, str) else float(value)
    if dataclasses.is_dataclass(kind):
        return kind(**{name: decode(inner, value.get(key)) for name, key, inner in _fields(kind)})
    return value


@functools.cache
def _fields(kind: type) -> list[tuple[str, str, Any]]:
    hints = typing.get_type_hints(kind)
    return [(item.name, item.metadata.get("name") or camel(item.name), hints[item.name]) for item in dataclasses.fields(kind)]
