"""What can be set: every variable that a settings class reads, as people and files of settings are told of it."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from shared.runtime.environment import FILE, is_secret


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `readers`: the services that read it, or `every process`. `default` as it would be set, empty for
    none; `beside_sandbox` likewise, where it is another one there."""

    name: str
    readers: str
    meaning: str
    default: str = ""
    beside_sandbox: str | None = None
    required: bool = False
    secret: bool = False

    @property
    def file(self) -> str | None:
        """The variable that names a file with the value instead."""
        return f"{self.name}{FILE}" if self.secret else None


def variables(settings: type[BaseSettings], readers: str, stand_in: type[BaseSettings] | None = None) -> list[Variable]:
    """Those of one class, in its order; `stand_in` is what is read in its place beside the sandbox."""
    beside = (stand_in or settings).model_fields
    return [
        Variable(
            name=_name(settings, name, field),
            readers=readers,
            meaning=meaning(settings, name),
            default=_default(field),
            beside_sandbox=_default(beside[name]) if _default(beside[name]) != _default(field) else None,
            required=field.is_required(),
            secret=is_secret(field),
        )
        for name, field in settings.model_fields.items()
    ]


def meaning(settings: type[BaseSettings], field: str) -> str:
    """The docstring beneath the field, in one line: of the class, or of that from which it has the field."""
    for each in settings.__mro__:
        found = _docstrings(inspect.getmodule(each)).get((each.__name__, field))
        if found:
            return " ".join(found.split())
    return ""


@cache
def _docstrings(module: ModuleType | None) -> dict[tuple[str, str], str]:
    """By class and field. Read from the source, when somebody asks: no process that only runs pays for it."""
    if module is None or not module.__name__.startswith(("shared.", "services.", "tests.")):
        return {}
    classes = [node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)]
    return {(each.name, field): text for each in classes for field, text in _fields(each)}


def _fields(settings: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(settings.body, settings.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, text


def _name(settings: type[BaseSettings], name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, str):
        return field.validation_alias
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    return _written(field.get_default(call_default_factory=True, validated_data={}))


def _written(value: Any) -> str:
    match value:
        case None | SecretStr():
            return ""
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case Path():
            return value.as_posix()
        case ZoneInfo():
            return value.key
        case _:
            return str(value)
