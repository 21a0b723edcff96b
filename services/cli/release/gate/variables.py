"""What the command finds in its environment: what was asked for by name, hashed and shown, and nothing else.

`HOME` is an empty folder of this run's own: what programs read there (`~/.kube/config`, `~/.gitconfig`) would decide
what runs, and nobody has seen it.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from services.cli.release.gate.payload import WrongPayload, copied, is_still
from services.cli.release.gate.signals import undisturbed

NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_]{0,99}|(?:https?|ftp|all|no)_proxy")
MOST: Final = 50
HOOKS: Final = frozenset(
    (
        *("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GCONV_PATH"),
        *("BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS", "PYTHONBREAKPOINT"),
        *("PERL5OPT", "PERL5LIB", "PERL5DB", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "NODE_PATH", "LUA_INIT"),
        *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "KUBECTL_EXTERNAL_DIFF"),
    )
)
"""By these a program is made to run something beside itself that nobody has hashed, nor seen: commands in `PS4` are run
where `SHELLOPTS` has a script traced."""
ITS_OWN: Final = frozenset(("PATH", "IFS", "PWD", "OLDPWD", "PPID", "UID", "EUID"))
"""Named in another way, or a shell's own."""


class Variables:
    """Values that do not change any more, and private copies of files that some of them name. Remove by leaving."""

    def __init__(
        self,
        shown: Sequence[str] = (),
        secret: Sequence[str] = (),
        files: Sequence[str] = (),
        *,
        salt: str = "",
        given: Mapping[str, str] | None = None,
    ) -> None:
        """`shown`: NAME, or NAME=VALUE; `secret`: NAME, whose value is hashed with the `salt` and not shown; `files`:
        NAME, or NAME=FILE: a file's content is hashed and copied. Raises WrongPayload."""
        environment = os.environ if given is None else given
        self.folder = Path(tempfile.mkdtemp(prefix="milesaga-gate-"))
        self.home = self.folder / "home"
        self.values: dict[str, str] = {}
        self.told: list[dict[str, str]] = []
        self._originals: list[tuple[str, Path, str]] = []
        try:
            self.home.mkdir(mode=stat.S_IRWXU)
            for option, value in _named(shown, environment, "--env"):
                self._take(option, value, {"value": value})
            for option, value in _named(secret, environment, "--secret-env", by_name=True):
                self._take(option, value, {"salted_sha256": _salted(salt, option, value)})
            for option, value in _named(files, environment, "--env-file"):
                self._copy(option, value)
            self.told.sort(key=lambda each: each["name"])
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def changed(self) -> str | None:
        """The first variable whose file, or the copy of it, is no longer what was hashed."""
        for name, original, sha256 in self._originals:
            for place in (original, self.folder / name):
                if not is_still(place, sha256):
                    return name
        return None

    def environment(self, search_path: str, about: Mapping[str, str]) -> dict[str, str]:
        """All that the command finds: programs are found where others agreed to."""
        return {"LANG": "C.UTF-8", "HOME": str(self.home)} | self.values | dict(about) | {"PATH": search_path}

    def remove(self) -> None:
        with undisturbed():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _take(self, name: str, value: str, told: Mapping[str, str]) -> None:
        if name in self.values:
            raise WrongPayload(f"{name} is given twice.")
        if len(self.values) >= MOST:
            raise WrongPayload(f"more than {MOST} variables.")
        self.values[name] = value
        self.told.append({"name": name} | dict(told))

    def _copy(self, name: str, file: str) -> None:
        original, copy = Path(file).absolute(), self.folder / name
        sha256 = copied(original, copy, file)
        self._take(name, str(copy), {"file_sha256": sha256})
        self._originals.append((name, original, sha256))


def _named(
    options: Sequence[str], given: Mapping[str, str], option: str, *, by_name: bool = False
) -> Iterator[tuple[str, str]]:
    """Names with their values. Raises WrongPayload."""
    for each in options:
        name, equals, value = each.partition("=")
        if equals and by_name:
            raise WrongPayload(f"{option} takes a name alone: what stands on a command line is no secret.")
        if not NAME.fullmatch(name) or name in ITS_OWN or name.startswith("MILESAGA_"):
            raise WrongPayload(f"{option}: {name!r} is no variable that is handed on.")
        if name in HOOKS:
            raise WrongPayload(f"{option}: by {name} something runs that nobody has seen: set it in a script.")
        if not equals and name not in given:
            raise WrongPayload(f"{option}: {name} is not set here.")
        yield name, value if equals else given[name]


def _salted(salt: str, name: str, value: str) -> str:
    """Of a text that nobody guesses without the ask's key."""
    return hashlib.sha256(f"{salt}\n{name}={value}".encode(errors="surrogateescape")).hexdigest()
