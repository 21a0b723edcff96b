"""Who there is: each person, under whatever name he comes, and each robot."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from shared.kernel.values import Value

ID: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
GROUP: Final = r"^[a-z][a-z0-9._:-]{0,63}$"
MOST: Final = 10_000
STRANGER: Final = "stranger-"
"""Begins the id of somebody who stands in no file: a token was good, and nobody knows whose. No person's id does."""


class Strict(Value):
    """What stands in a file: an unknown word is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Person(Strict):
    """A human being, or a robot that acts for some. `id` is opaque: it stands in the log for good.

    `subjects` are those of tokens, `chat` the chat's user ids, `ci` the logins of continuous integration.
    """

    id: Annotated[str, Field(pattern=ID)]
    subjects: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    chat: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    ci: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    groups: tuple[Annotated[str, Field(pattern=GROUP)], ...] = ()
    robot: bool = False


class People(Strict):
    """Everybody, as one version of the file has it. A robot is in no group, so it approves nothing."""

    version: Annotated[int, Field(ge=1)]
    person: Annotated[tuple[Person, ...], Field(max_length=MOST)] = ()

    def groups(self) -> frozenset[str]:
        return frozenset(group for each in self.person for group in each.groups)

    def named(self, id_: str) -> Person | None:
        return next((each for each in self.person if each.id == id_), None)

    def of_subject(self, subject: str) -> str:
        """The person's id; for a subject that nobody has, one that is nobody's."""
        found = next((each.id for each in self.person if subject in each.subjects), None)
        return found or f"{STRANGER}{hashlib.sha256(subject.encode()).hexdigest()[:32]}"

    def of_chat(self, user: str) -> str | None:
        return next((each.id for each in self.person if user in each.chat), None)

    def of_ci(self, login: str) -> str | None:
        return next((each.id for each in self.person if login in each.ci), None)

    def known_as(self, name: str) -> str:
        """The id of whoever is called so, by his id, a login of continuous integration, or a token's subject; the name
        itself where nobody is."""
        named = self.named(name)
        by_subject = next((each.id for each in self.person if name in each.subjects), None)
        return named.id if named else self.of_ci(name) or by_subject or name

    def is_robot(self, id_: str) -> bool:
        found = self.named(id_)
        return found is not None and found.robot


def faults(people: People) -> list[tuple[str, str]]:
    """What cannot be true together: (the word to be looked for in the file, what is wrong with it)."""
    found = list[tuple[str, str]]()
    for kind, names in _names(people).items():
        found += [(name, f"the {kind} {name} stands twice") for name, count in names.items() if count > 1]
    found += [(each.id, f"{each.id} is a stranger's id") for each in people.person if each.id.startswith(STRANGER)]
    found += [(each.id, f"the robot {each.id} is in a group") for each in people.person if each.robot and each.groups]
    return found


def _names(people: People) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {"person": {}, "subject": {}, "chat user": {}, "login": {}}
    for each in people.person:
        names = {"person": (each.id,), "subject": each.subjects, "chat user": each.chat, "login": each.ci}
        for kind, given in names.items():
            for name in given:
                found[kind][name] = found[kind].get(name, 0) + 1
    return found
