"""What can happen to a purchase."""

from dataclasses import dataclass

from shared.contracts.steps import Answer


@dataclass(frozen=True)
class Start:
    """The purchase begins."""


@dataclass(frozen=True)
class TimersDue:
    """The time of one or more timers has come."""


@dataclass(frozen=True)
class CancelRequested:
    """The customer wants out."""


@dataclass(frozen=True)
class AskRequested:
    """An operator wants the awaited step asked for now."""


Happening = Start | Answer | TimersDue | CancelRequested | AskRequested
