"""Which acknowledgements go to the broker, and which go together."""

from collections.abc import Iterable
from random import Random

from shared.bus.acknowledging import _Deliveries


def told(deliveries: _Deliveries, done: Iterable[int]) -> list[tuple[int, bool]]:
    deliveries.done += done
    through, alone = deliveries.settled()
    return [(through, True)] * bool(through) + [(tag, False) for tag in alone]


def test_all_that_is_done_without_a_gap_goes_in_one() -> None:
    assert told(_Deliveries(), [3, 1, 2]) == [(3, True)]


def test_what_is_done_before_its_predecessors_goes_by_itself() -> None:
    deliveries = _Deliveries()
    assert told(deliveries, [1, 4, 3]) == [(1, True), (3, False), (4, False)]
    assert told(deliveries, [2]) == [(2, True)]
    assert told(deliveries, [5]) == [(5, True)]


def test_nothing_is_told_twice() -> None:
    deliveries = _Deliveries()
    assert told(deliveries, [2]) == [(2, False)]
    assert told(deliveries, []) == []
    assert told(deliveries, [1]) == [(1, True)]


def test_a_message_given_back_holds_nobody_up() -> None:
    deliveries = _Deliveries()
    deliveries.ahead.add(1)
    assert told(deliveries, [2, 3]) == [(3, True)]


def test_every_delivery_is_acknowledged_once_in_whatever_order_it_was_done() -> None:
    random = Random(7)
    tags = list(range(1, 501))
    random.shuffle(tags)
    outstanding, deliveries = set(tags), _Deliveries()
    while tags:
        for last, multiple in told(deliveries, [tags.pop() for _ in range(min(len(tags), random.randint(1, 40)))]):
            assert last in outstanding, "RabbitMQ closes the channel when it does not know the tag"
            outstanding -= {tag for tag in outstanding if tag == last or (multiple and tag < last)}
    assert outstanding == set()
    assert deliveries.ahead == set()
