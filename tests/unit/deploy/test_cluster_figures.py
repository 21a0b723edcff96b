"""What the tests on a cluster make of what they see there."""

from tests.cluster.figures import plot
from tests.cluster.load import Sale, a_second
from tests.cluster.samples import Queue, Samples, ages
from tests.cluster.test_2_burst import called


def test_a_queues_oldest_message_came_when_as_many_had_come_as_are_handled_by_now() -> None:
    queue = [Queue(0.0, 0, 0), Queue(1.0, 2, 0), Queue(2.0, 2, 0), Queue(3.0, 1, 1), Queue(4.0, 3, 2), Queue(5.0, 0, 5)]
    assert ages(queue) == [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 2.0), (4.0, 0.0), (5.0, 0.0)]


def test_a_line_has_called_since_it_became_too_long_but_for_moments_that_nobody_saw() -> None:
    long, short = 50, 5
    queue = [Queue(0.0, long, 0), Queue(1.0, short, 0), Queue(4.0, long, 0), Queue(5.0, short, 0), Queue(5.5, long, 0)]
    assert called(queue, 20, begun=-1.0) == 4.0
    assert called([Queue(0.0, short, 0)], 20, begun=-1.0) == -1.0


def test_replicas_and_queues_are_read_as_kubectl_and_the_broker_write_them() -> None:
    samples = Samples()
    samples.replicas_said("ticketing||")
    samples.replicas_said("ticketing|3|1")
    assert [(each.wanted, each.available) for each in samples.replicas["ticketing"]] == [(1, 0), (3, 1)]
    samples.queues_said(
        'rabbitmq_detailed_queue_messages{vhost="/",queue="ticketing"} 7\n'
        'rabbitmq_detailed_queue_messages_ready{vhost="/",queue="ticketing"} 4\n'
        'rabbitmq_detailed_queue_messages{vhost="/",queue="ticketing.dead"} 1\n'
        'rabbitmq_detailed_queue_messages_acked_total{vhost="/",queue="ticketing"} 12\n'
    )
    assert {name: [each[1:] for each in seen] for name, seen in samples.queues.items()} == {"ticketing": [(7, 12)]}


def test_purchases_a_second_are_those_that_were_completed() -> None:
    sales = [Sale("a", 0.0, 101.0, "completed"), Sale("b", 0.0, 102.0, "refused"), Sale("c", 0.0, 107.0, "completed")]
    assert a_second(sales, 100.0, width=5.0) == [(0.0, 0.2), (5.0, 0.2)]


def test_a_plot_names_its_lines_and_its_moments() -> None:
    drawn = plot("Pods", {"old": [(0.0, 1.0), (4.0, 2.0)]}, marks=[(2.0, "taken back")])
    assert drawn.count("<polyline") == 1
    assert all(name in drawn for name in (">Pods<", ">old<", ">taken back<", ">4 s<"))
