"""Bodies that hold rules or events, read as those are."""

from shared.rules.faults import Invalid
from shared.rules.reading import message_from_json
from shared.web.limits import LARGEST_BODY
from shared.web.problems import Fault, Problem


def read_strictly(text: bytes) -> None:
    """A name that stands twice would send events to the wrong place. Raises the 400 to answer."""
    try:
        message_from_json(text, LARGEST_BODY)
    except Invalid as invalid:
        faults = [Fault(f"must have {fault.expected}", pointer=fault.pointer) for fault in invalid.faults]
        raise Problem(400, "malformed_json", "The body is no JSON that is taken", errors=faults) from invalid
