"""The environment as a source of settings: variables, the names of the last release, and secrets in files."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import JsonValue, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

log = logging.getLogger(__name__)

FILE: Final = "_FILE"
"""`BROKER_URL_FILE` names a file with the value of `BROKER_URL`: containers get secrets as files, and a variable is
seen by every child process and in every listing of them."""
LONGEST_SECRET: Final = 65_536
"""Bytes; whatever is longer is another file."""


def is_secret(field: FieldInfo) -> bool:
    """Is the setting never to be shown, and taken from a file as well?"""
    return field.repr is False or SecretStr in (field.annotation, *get_args(field.annotation))


PASSING: Final[dict[str, JsonValue]] = {"passing": True}
"""The `json_schema_extra` of a secret that is given while another one changes, and at no other time."""


def is_passing(field: FieldInfo) -> bool:
    return field.json_schema_extra == PASSING


class UnreadableSecret(Exception):
    """A secret's file cannot be used; says why."""


class Environment(EnvSettingsSource):
    """The process's environment, as a settings class reads it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        if value is None and (file := self._file(field_name, field)):
            try:
                return secret_in(file), key, is_complex
            except UnreadableSecret:
                return None, key, is_complex  # `faults` tells it, beside all the others
        former = self._former(field_name)
        if value is not None or former is None:
            return value, key, is_complex
        log.warning(
            "a setting under its former name: it will not be read in the next release",
            extra={"variable": former, "renamed": self.name(field_name)},
        )
        return self.env_vars[former.lower()], key, is_complex

    def faults(self) -> Iterator[tuple[str, str]]:
        """Fields whose secret's file cannot be used: the field, and a sentence that names the variable."""
        for name, field in self.settings_cls.model_fields.items():
            file = self._file(name, field)
            if file is None:
                continue
            variable = self.name(name)
            if variable.lower() in self.env_vars:
                yield name, f"{variable}: given twice, by {variable}{FILE} too"
            try:
                secret_in(file)
            except UnreadableSecret as error:
                yield name, f"{variable}{FILE}: {error}"

    def given(self) -> list[str]:
        """The variables of this class's secrets that are set."""
        fields = self.settings_cls.model_fields.items()
        return [self.variable(name) for name, field in fields if is_secret(field) and self._is_set(name, field)]

    def variable(self, place: str) -> str:
        """The variable that a field's value came from, or would come from; `place` may be its alias."""
        field = self.settings_cls.model_fields.get(place)
        if field is None:
            return place.upper()
        name = self.name(place)
        if name.lower() in self.env_vars:
            return name
        if self._file(place, field):
            return f"{name}{FILE}"
        return self._former(place) or name

    def name(self, field_name: str) -> str:
        """The variable of a field."""
        return f"{self.env_prefix}{field_name}".upper()

    def _is_set(self, name: str, field: FieldInfo) -> bool:
        return bool(self.env_vars.get(self.name(name).lower()) or self._file(name, field) or self._former(name))

    def _file(self, field_name: str, field: FieldInfo) -> Path | None:
        """The file that a secret is to be read from."""
        path = self.env_vars.get(f"{self.name(field_name)}{FILE}".lower()) if is_secret(field) else None
        return Path(path) if path else None

    def _former(self, field_name: str) -> str | None:
        """The former name of a field, where it is set: the latest, where it had several."""
        formerly: Mapping[str, str | tuple[str, ...]] = getattr(self.settings_cls, "formerly", {})
        former = formerly.get(field_name, ())
        names = (former,) if isinstance(former, str) else former
        return next((name for name in names if name.lower() in self.env_vars), None)


def secret_in(file: Path) -> str:
    """What a file holds, without the newline at its end. Raises UnreadableSecret."""
    try:
        with file.open("rb") as opened:
            found = opened.read(LONGEST_SECRET + 1)
        text = found.decode().rstrip("\r\n")
    except OSError as error:
        raise UnreadableSecret(f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UnreadableSecret(f"{file} is no text in UTF-8") from error
    if len(found) > LONGEST_SECRET:
        raise UnreadableSecret(f"{file} is longer than {LONGEST_SECRET} bytes")
    if not text:
        raise UnreadableSecret(f"{file} is empty")
    return text
