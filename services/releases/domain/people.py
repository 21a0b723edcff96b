"""Who there is: each person, under whatever name he comes, and each robot."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from shared.kernel.lookalikes import hides_something, skeleton
from shared.kernel.values import Value

ID: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
GROUP: Final = r"^[a-z][a-z0-9._:-]{0,63}$"
MOST: Final = 10_000
STRANGER: Final = "stranger-"
"""Begins the id of somebody who stands in no file: a token was good, and nobody knows whose. No person's id does."""


Version = Annotated[int, Field(ge=1, le=2**31, strict=True)]
"""Of a file: every change has a higher one."""


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

    version: Version
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
        itself where nobody is. Who is named so keeps out of a decision: what looks like his name will do."""
        looks = skeleton(name)
        ways: tuple[Callable[[Person], Iterable[str]], ...] = (
            lambda each: (each.id,),
            lambda each: each.ci,
            lambda each: each.subjects,
        )
        for names in ways:
            for each in self.person:
                if looks in map(skeleton, names(each)):
                    return each.id
        return name

    def is_robot(self, id_: str) -> bool:
        found = self.named(id_)
        return found is not None and found.robot


def faults(people: People) -> list[tuple[str, str]]:
    """What cannot be true together: (the word to be looked for in the file, what is wrong with it)."""
    found = list[tuple[str, str]]()
    for kind, names in _names(people).items():
        found += [(name, f"the {kind} {name} stands twice") for name, count in names.items() if count > 1]
    found += _alike(people)
    found += [(each.id, f"{each.id} is a stranger's id") for each in people.person if each.id.startswith(STRANGER)]
    found += [(each.id, f"the robot {each.id} is in a group") for each in people.person if each.robot and each.groups]
    return found


def _alike(people: People) -> list[tuple[str, str]]:
    """Names of one kind that whoever reads the file takes for the same, and are of different people, or groups; and
    names in which something cannot be seen."""
    seen, found = dict[tuple[str, str], tuple[str, str]](), list[tuple[str, str]]()
    for each in people.person:
        own = [("person", each.id, each.id), *(("group", name, name) for name in each.groups)]
        kinds = ("subject", each.subjects), ("chat user", each.chat), ("login", each.ci)
        own += [(kind, name, each.id) for kind, names in kinds for name in names]
        for kind, name, whose in own:
            other, others = seen.setdefault((kind, skeleton(name)), (name, whose))
            if others != whose and other != name:
                found.append((name, f"the {kind} {name!a} looks like {other!a}"))
            if hides_something(name):
                found.append((name, f"in the {kind} {name!a} something cannot be seen"))
    return found


def _names(people: People) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {"person": {}, "subject": {}, "chat user": {}, "login": {}}
    for each in people.person:
        names = {"person": (each.id,), "subject": each.subjects, "chat user": each.chat, "login": each.ci}
        for kind, given in names.items():
            for name in given:
                found[kind][name] = found[kind].get(name, 0) + 1
    return found
