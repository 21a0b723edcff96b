"""Policy and people, from the texts of their files (TOML)."""

import tomllib
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from services.releases.domain import people as about_people
from services.releases.domain import policy as about_policy
from services.releases.domain.people import People
from services.releases.domain.policy import Policy, Rules
from shared.kernel.digest import digest_of_bytes
from shared.kernel.faults import sentence

Which = Literal["policy", "people"]
M = TypeVar("M", bound=BaseModel)

LARGEST: Final = 1024 * 1024
"""Bytes of a file."""


class WrongFile(ValueError):
    """A file that says nothing that could hold; `line` counts from 1, and is 0 where no line is to blame."""

    def __init__(self, which: Which, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}" if line else what)
        self.which = which
        self.line = line


def rules_of(policy: bytes, people: bytes) -> Rules:
    """The rules that the two files say. Raises WrongFile."""
    read_people = _read("people", people, People)
    _check("people", people, about_people.faults(read_people))
    read_policy = _read("policy", policy, Policy)
    _check("policy", policy, about_policy.faults(read_policy, read_people))
    return Rules(
        policy=read_policy,
        people=read_people,
        policy_digest=digest_of_bytes(policy),
        people_digest=digest_of_bytes(people),
    )


def _read(which: Which, content: bytes, model: type[M]) -> M:
    if len(content) > LARGEST:
        raise WrongFile(which, 0, f"a file has at most {LARGEST} bytes")
    try:
        told = tomllib.loads(content.decode())
    except ValueError as error:
        raise WrongFile(which, 0, f"it is no TOML: {error}") from error
    except RecursionError as error:
        raise WrongFile(which, 0, "something in it lies within something else too often") from error
    try:
        return model.model_validate(told)
    except ValidationError as error:
        fault = error.errors()[0]
        raise WrongFile(which, _line(content, fault["loc"]), f"{_place(fault['loc'])}: {sentence(fault)}") from error


def _check(which: Which, content: bytes, faults: list[tuple[str, str]]) -> None:
    for word, what in faults:
        raise WrongFile(which, _line_of(content, word), what)


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)


def _line(content: bytes, loc: tuple[int | str, ...]) -> int:
    """The line at which the table begins that is wrong: `[[rule]]` for the second time, for one."""
    match loc:
        case (str(table), int(number), *_):
            heads = [n for n, line in _lines(content) if line.replace(" ", "") == f"[[{table}]]"]
            return heads[number] if number < len(heads) else 0
        case (str(key), *_):
            return _first(content, lambda line: line.startswith(key))
        case _:
            return 0


def _line_of(content: bytes, word: str) -> int:
    """The first line on which the word stands in quotes."""
    return _first(content, lambda line: f'"{word}"' in line or f"'{word}'" in line)


def _first(content: bytes, wanted: Callable[[str], bool]) -> int:
    return next((n for n, line in _lines(content) if wanted(line)), 0)


def _lines(content: bytes) -> list[tuple[int, str]]:
    return [(n, line.strip()) for n, line in enumerate(content.decode().splitlines(), start=1)]
