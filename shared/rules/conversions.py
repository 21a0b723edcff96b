"""What every conversion from and to another language says."""

from dataclasses import dataclass

from shared.rules.faults import Fault, Invalid
from shared.rules.scalars import Json


class Inexpressible(Invalid):
    """The other language has no words for it; each fault names what, and where it stands."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Where the two languages judge some events differently, at `pointer` into what was converted."""

    pointer: str
    text: str


@dataclass(frozen=True, slots=True)
class Converted:
    """`data` in the other language. Without a remark both judge every event alike."""

    data: Json
    remarks: tuple[Remark, ...] = ()


def inexpressible(pointer: str, expected: str, found: str) -> Inexpressible:
    return Inexpressible([Fault(pointer, expected, found)])
