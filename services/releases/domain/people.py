"""Who there is: each person, under whatever name he comes, and each robot."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
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
    """Everybody, as one version of the file has it. A robot is in no group, so it approves nothing.

    Who is behind a name is worked out once: it is asked with every request, and of each author of one.
    """

    version: Version
    person: Annotated[tuple[Person, ...], Field(max_length=MOST)] = ()

    def groups(self) -> frozenset[str]:
        return frozenset(self._members)

    def in_groups(self, groups: Iterable[str]) -> list[Person]:
        """Those who are in one of them, in the order of the file."""
        places = {place for group in groups for place in self._members.get(group, ())}
        return [self.person[place] for place in sorted(places)]

    def named(self, id_: str) -> Person | None:
        return self._by_id.get(id_)

    def of_subject(self, subject: str) -> str:
        """The person's id; for a subject that nobody has, one that is nobody's."""
        found = self._by_subject.get(subject)
        return found or f"{STRANGER}{hashlib.sha256(subject.encode()).hexdigest()[:32]}"

    def of_chat(self, user: str) -> str | None:
        return self._by_chat.get(user)

    def of_ci(self, login: str) -> str | None:
        return self._by_ci.get(login)

    def known_as(self, name: str) -> str:
        """The id of whoever is called so, by his id, a login of continuous integration, or a token's subject; the name
        itself where nobody is. Who is named so keeps out of a decision: what looks like his name will do."""
        return self._by_looks.get(skeleton(name), name)

    def is_robot(self, id_: str) -> bool:
        found = self.named(id_)
        return found is not None and found.robot

    @cached_property
    def _by_id(self) -> Mapping[str, Person]:
        return {each.id: each for each in reversed(self.person)}

    @cached_property
    def _by_subject(self) -> Mapping[str, str]:
        return _whose(self.person, lambda each: each.subjects)

    @cached_property
    def _by_chat(self) -> Mapping[str, str]:
        return _whose(self.person, lambda each: each.chat)

    @cached_property
    def _by_ci(self) -> Mapping[str, str]:
        return _whose(self.person, lambda each: each.ci)

    @cached_property
    def _by_looks(self) -> Mapping[str, str]:
        """By what a name looks like; an id goes before a login, and that before a subject."""
        found = dict[str, str]()
        for names in ({each: each for each in self._by_id}, self._by_ci, self._by_subject):
            for name, id_ in names.items():
                found.setdefault(skeleton(name), id_)
        return found

    @cached_property
    def _members(self) -> Mapping[str, Sequence[int]]:
        """Of each group the places of its people."""
        found = dict[str, list[int]]()
        for place, each in enumerate(self.person):
            for group in each.groups:
                found.setdefault(group, []).append(place)
        return found


def _whose(people: Sequence[Person], names: Callable[[Person], Iterable[str]]) -> Mapping[str, str]:
    """The id of whoever stands first in the file under a name."""
    found = dict[str, str]()
    for each in people:
        for name in names(each):
            found.setdefault(name, each.id)
    return found


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
