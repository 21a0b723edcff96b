"""What every operator is: one test of a field."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from shared.rules.looking import MISSING, Look, elements
from shared.rules.scalars import Json


class Test(ABC):
    """One entry of a field's list. `data` is how it is written, `cost` what it counts for."""

    __test__ = False  # else pytest takes it for tests

    of_elements: ClassVar[bool] = True
    """Of a list it holds where it does of one of the elements; else it speaks of the list itself."""

    @property
    @abstractmethod
    def data(self) -> Json: ...

    @property
    def cost(self) -> int:
        return 1

    def holds(self, value: Any, look: Look) -> bool:
        """Of a node, or MISSING: of a list where it does of one of the elements. Raises TooMuchWork."""
        if type(value) is list:
            return any(self.leaf(element, look) for element in elements(value, look, self.cost))
        return value is not MISSING and self.leaf(value, look)

    def leaf(self, value: Any, look: Look) -> bool:
        """Of what is there and no list."""
        raise NotImplementedError
