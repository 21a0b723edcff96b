"""A log in a file, to be looked at without the log: JSON lines, each an object with one member.

    {"leaf": <a leaf, in its canonical form>}       all of them, in order
    {"checkpoint": "<a signed note>"}               any number
    {"text": {"salt": "...", "text": "..."}}        free texts that were not erased

Source: the tree is RFC 6962's, checkpoints are C2SP's tlog-checkpoint.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.kernel.jsontext import is_text
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import NOTHING_BEFORE, SALT_SIZE, BadLeaf, FreeText, Leaf, chain_hash
from shared.ledgerlog.notes import BadNote, VerifierKey
from shared.ledgerlog.tree import Edge, leaf_hash

MOST_FAULTS: Final = 100
_BEFORE, _AFTER = b'{"leaf":', b"}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is not as it was; `index` is the first leaf that differs."""

    index: int
    what: str


@dataclass
class Report:
    """What was found. A log is whole when there are no faults and a checkpoint vouches for all of its leaves."""

    size: int = 0
    root: bytes = b""
    faults: list[Fault] = field(default_factory=list)
    vouched: int = 0
    """Leaves that a checkpoint, signed by a known key, vouches for."""
    checkpoints: int = 0
    """Checkpoints that hold."""

    @property
    def holds(self) -> bool:
        return not self.faults and 0 < self.vouched == self.size


@dataclass(frozen=True)
class Bundle:
    """What is in a file. `damage`: lines that are no line of a bundle."""

    leaves: list[bytes]
    notes: list[str]
    texts: list[FreeText]
    damage: list[str]


def lines(leaves: Iterable[bytes], notes: Iterable[str], texts: Iterable[FreeText]) -> Iterator[bytes]:
    """A bundle, line by line, each with its line break."""
    for leaf in leaves:
        yield _BEFORE + leaf + _AFTER + b"\n"
    for note in notes:
        yield json.dumps({"checkpoint": note}, ensure_ascii=False).encode() + b"\n"
    for each in texts:
        yield json.dumps({"text": {"salt": each.salt, "text": each.text}}, ensure_ascii=False).encode() + b"\n"


def read(content: Iterable[bytes]) -> Bundle:
    """A bundle from its lines."""
    found = Bundle([], [], [], [])
    for number, line in enumerate(content, start=1):
        stripped = line.rstrip(b"\n")
        if stripped.startswith(_BEFORE) and stripped.endswith(_AFTER):
            found.leaves.append(stripped[len(_BEFORE) : -len(_AFTER)])
        elif stripped and not _is_read(stripped, found):
            found.damage.append(f"line {number} is no line of a bundle")
    return found


def verified(bundle: Bundle, keys: Sequence[VerifierKey], anchors: Sequence[str] = ()) -> Report:
    """Is the log whole, and what the checkpoints say it is? `anchors` are notes that were kept elsewhere."""
    report = Report(faults=[Fault(len(bundle.leaves), each) for each in bundle.damage[:MOST_FAULTS]])
    told, unbelieved = _opened([*bundle.notes, *anchors], keys)
    roots = _walked(bundle.leaves, {each.size for each in told}, report)
    for each in sorted(told, key=lambda checkpoint: checkpoint.size):
        _compare(each, roots, report)
    if not report.faults and 0 < report.vouched < report.size:
        report.faults.append(Fault(report.vouched, "no checkpoint vouches for it, nor for what comes after"))
    report.faults.extend(unbelieved)
    hashes = {text.hash for text in bundle.texts}
    if hashes and (strange := hashes - hashes_in(bundle.leaves)):
        report.faults.append(Fault(report.size, f"{len(strange)} free texts belong to no leaf, or were changed"))
    report.faults.sort(key=lambda fault: fault.index)
    return report


def _opened(notes: Iterable[str], keys: Sequence[VerifierKey]) -> tuple[list[Checkpoint], list[Fault]]:
    """What the notes tell; and the faults of those that tell nothing, which say nothing of where the log differs."""
    told, unbelieved = list[Checkpoint](), list[Fault]()
    for note in dict.fromkeys(notes):
        try:
            told.append(Checkpoint.opened(note, keys))
        except BadNote as error:
            unbelieved.append(Fault(0, f"a checkpoint is not to be believed: {error}"))
    return told, unbelieved[:MOST_FAULTS]


def _walked(leaves: Sequence[bytes], sizes: set[int], report: Report) -> Mapping[int, bytes]:
    """Look at each leaf; the roots of the tree at those sizes."""
    edge, roots, before, at = Edge(), dict[int, bytes](), NOTHING_BEFORE, None
    if 0 in sizes:
        roots[0] = edge.root
    for n, text in enumerate(leaves):
        edge = edge.grown(leaf_hash(text))
        if n + 1 in sizes:
            roots[n + 1] = edge.root
        at = _looked_at(n, text, before, at, report)
        before = chain_hash(text)
    report.size, report.root = edge.size, edge.root
    return roots


def _looked_at(n: int, text: bytes, before: str, at: datetime | None, report: Report) -> datetime | None:
    """The time of the leaf, or of the last one that could be read."""
    if len(report.faults) >= MOST_FAULTS:
        return at
    try:
        leaf = Leaf.read(text)
    except BadLeaf as error:
        report.faults.append(Fault(n, str(error)))
        return at
    if leaf.n != n:
        report.faults.append(Fault(n, f"the leaf says that it is number {leaf.n}"))
    elif leaf.prev != before:
        report.faults.append(Fault(max(n - 1, 0), f"number {n} was written after another leaf than this"))
    if at is not None and leaf.at < at:
        report.faults.append(Fault(n, "it is older than the leaf before"))
        return at
    return leaf.at


def _compare(told: Checkpoint, roots: Mapping[int, bytes], report: Report) -> None:
    """Checkpoints come by size, so that the first that fails tells where the log began to differ."""
    if told.size not in roots:
        report.faults.append(Fault(report.size, f"a checkpoint tells of {told.size} leaves, here are {report.size}"))
    elif roots[told.size] == told.root:
        report.checkpoints += 1
        report.vouched = max(report.vouched, told.size)
    elif not any(fault.index < told.size for fault in report.faults):
        what = f"the log is not that of the checkpoint of {told.size} leaves; that of {report.vouched} holds"
        report.faults.append(Fault(report.vouched, what))


def hashes_in(leaves: Iterable[bytes]) -> set[str]:
    """Every text of a leaf that could be a hash."""
    found = set[str]()
    for text in leaves:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            continue
        match told:
            case {"facts": {**facts}}:
                found.update(each for each in facts.values() if isinstance(each, str))
    return found


def _is_read(line: bytes, found: Bundle) -> bool:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return False
    match told:
        case {"checkpoint": str(note), **others} if not others:
            found.notes.append(note)
        case {"text": {"salt": str(salt), "text": str(text), **others}, **more} if not others and not more:
            if not _is_salt(salt) or not is_text(text):
                return False
            found.texts.append(FreeText(salt, text))
        case _:
            return False
    return True


def _is_salt(salt: str) -> bool:
    try:
        return len(bytes.fromhex(salt)) == SALT_SIZE
    except ValueError:
        return False


def json_of(report: Report) -> dict[str, Any]:
    """The report as programs read it."""
    return {
        "holds": report.holds,
        "size": report.size,
        "root": report.root.hex(),
        "vouched": report.vouched,
        "checkpoints": report.checkpoints,
        "faults": [{"index": fault.index, "what": fault.what} for fault in report.faults],
    }
