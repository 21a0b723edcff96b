"""What a bus makes of an event: the copies, by which rule, and what is only counted."""

import json
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from shared.contracts.copies import EXTENSIONS, Copy
from shared.routing import copying
from shared.routing.bus import MOST_COPIES, Bus, compiled
from shared.routing.copying import LARGEST_RESULT, TEMPLATE_FAILED, TOO_MANY_COPIES
from shared.rules.looking import TooMuchWork
from tests.unit.routing.samples import AT, ISSUED, a_rule, an_event, terms


def bus(*rules: dict[str, Any], **more: Any) -> Bus:
    return compiled("fuel", 3, terms(*rules, **more))


def test_a_rule_that_matches_makes_a_copy_for_each_of_its_targets() -> None:
    routing = bus(a_rule(to=("bi", "till"))).route(an_event())
    assert [(copy.target, copy.rule, copy.queue) for copy in routing.copies] == [
        ("bi", "all", "target.fuel.bi"),
        ("till", "all", "target.fuel.till"),
    ]
    assert [(record.target, record.rules, record.revision) for record in routing.records] == [
        ("bi", ("all",), 3),
        ("till", ("all",), 3),
    ]


def test_a_copy_is_the_event_unchanged_with_what_the_hub_says() -> None:
    (copy,) = bus(a_rule()).route(an_event(subject="Euro \u20ac", channel=True, lanes=3)).copies
    assert copy.attributes == {
        "specversion": "1.0",
        "id": "4711",
        "source": "/coles/tills/7",
        "type": ISSUED,
        "subject": "Euro \u20ac",
        "channel": "true",
        "lanes": "3",
    }
    assert (copy.hubid, copy.accepted_at, copy.partner, copy.bus) == ("0195-1", AT, "coles", "fuel")
    assert copy.body == b'{"total":3000}'


@pytest.mark.parametrize("name", [*EXTENSIONS, "target"])
def test_what_an_event_says_in_the_hubs_name_is_left_out(name: str) -> None:
    event = an_event()
    event.event[name] = "forged"
    (copy,) = bus(a_rule()).route(event).copies
    assert name not in copy.attributes
    assert "forged" not in copy.headers().values()
    assert Copy.of(copy.headers(), copy.body) == copy


def test_several_rules_to_one_target_make_one_copy_by_the_first_of_the_file() -> None:
    routing = bus(
        a_rule("small", template={"amount": {"$": "/data/total"}}),
        a_rule("other", to=("bi", "till")),
    ).route(an_event())
    assert [(copy.target, copy.rule, copy.body) for copy in routing.copies] == [
        ("bi", "small", b'{"amount":3000}'),
        ("till", "other", b'{"total":3000}'),
    ]
    assert [(record.target, record.rules) for record in routing.records] == [
        ("bi", ("small", "other")),
        ("till", ("other",)),
    ]


@pytest.mark.parametrize(
    ("mode", "enabled", "copies", "records"),
    [("on", True, 1, [False]), ("shadow", True, 0, [True]), ("off", True, 0, []), ("on", False, 0, [])],
)
def test_a_rule_is_on_counted_or_off(mode: str, enabled: bool, copies: int, records: list[bool]) -> None:
    routing = bus(a_rule(mode=mode), enabled=enabled).route(an_event())
    assert len(routing.copies) == copies
    assert [record.shadow for record in routing.records] == records
    assert [match.mode for match in routing.matches] == ([mode] if records else [])


def test_a_counted_rule_neither_makes_nor_shapes_a_copy_of_its_neighbours() -> None:
    routing = bus(a_rule("new", mode="shadow", template={"x": 1}), a_rule("old")).route(an_event())
    assert [(copy.rule, copy.body) for copy in routing.copies] == [("old", b'{"total":3000}')]
    assert [(record.rules, record.shadow) for record in routing.records] == [(("old",), False), (("new",), True)]


def test_an_event_that_the_bus_does_not_admit_is_tried_on_no_rule() -> None:
    narrow = bus(a_rule(), admits={"source": [{"prefix": "/coles/fuel/"}]})
    assert not narrow.route(an_event()).matches
    assert narrow.route(an_event(source="/coles/fuel/9")).copies


@pytest.mark.parametrize(
    ("publishers", "seen"), [((), {"coles"}), (("qf",), {"coles", "qf"}), (("*",), {"coles", "qf", "other"})]
)
def test_a_bus_sees_its_owners_events_and_those_of_whom_an_operator_named(
    publishers: tuple[str, ...], seen: set[str]
) -> None:
    open_to = bus(a_rule(), publishers=publishers)
    assert {who for who in ("coles", "qf", "other") if open_to.route(an_event(partner=who)).copies} == seen


def test_a_pattern_for_another_partner_does_not_open_a_bus() -> None:
    prying = bus(a_rule(when={"partner": ["qf"]}), admits={"$or": [{"partner": ["qf"]}, {"partner": ["coles"]}]})
    assert not prying.route(an_event(partner="qf")).matches


def test_a_rule_sees_whose_the_event_is_and_not_what_it_says_of_that() -> None:
    own = bus({"name": "own", "when": {"partner": ["coles"]}, "to": ["bi"]}, publishers=["*"])
    assert own.route(an_event()).copies
    assert not own.route(an_event(partner="other", extensions="coles")).copies


@pytest.mark.parametrize(
    ("share", "least", "most"), [(1, 20, 90), (10, 400, 600), (50, 2_350, 2_650), (100, 5_000, 5_000)]
)
def test_a_share_of_the_events_is_taken_by_their_names(share: int, least: int, most: int) -> None:
    some = bus(a_rule(share=share))
    taken = [n for n in range(5_000) if some.route(an_event(f"0195-{n}")).copies]
    assert least <= len(taken) <= most
    assert taken == [n for n in range(5_000) if some.route(an_event(f"0195-{n}")).copies]


def test_a_larger_share_has_all_the_events_of_a_smaller_one() -> None:
    routing = [
        bus(a_rule("ten", share=10), a_rule("twenty", share=20)).route(an_event(f"0195-{n}")) for n in range(1_000)
    ]
    matched = [{match.rule for match in each.matches} for each in routing]
    assert {"ten"} not in matched
    assert {"ten", "twenty"} in matched
    assert {"twenty"} in matched


def test_a_template_without_a_result_sends_the_copy_to_the_dead_without_the_events_data() -> None:
    strict = bus(
        a_rule(template={"id": {"$": "/data/receipt", "required": True}}, to=("bi",)), a_rule("b", to=("till",))
    )
    routing = strict.route(an_event())
    assert [copy.target for copy in routing.copies] == ["till"]
    (broken,) = routing.broken
    assert (broken.reason, broken.copy.target, broken.copy.body) == (TEMPLATE_FAILED, "bi", b"")
    assert "/id" in broken.detail


def test_a_result_that_is_too_large_is_none() -> None:
    large = bus(a_rule(template={"a": [{"$": "/data"}] * 3}))
    (broken,) = large.route(an_event(data="x" * 200_000)).broken
    assert broken.reason == TEMPLATE_FAILED


LARGE_PLACES = [{"$": "/data"}, {"$event": True}, {"$text": "{/data/l}"}, {"$first": [{"$": "/data/l"}]}]


@pytest.mark.parametrize("place", LARGE_PLACES)
def test_a_result_that_is_too_large_is_not_even_made(monkeypatch: pytest.MonkeyPatch, place: dict[str, Any]) -> None:
    """Templates of 50 targets ask 50 times for all of an event: half a gigabyte, and nothing of it could be sent."""
    written: list[int] = []

    def counted(value: Any) -> bytes:
        text = to_json(value)
        written.append(len(text))
        return text

    monkeypatch.setattr(copying, "to_json", counted)
    targets = [f"t{number}" for number in range(50)]
    rules = [a_rule(name, (name,), template=[place] * 50) for name in targets]
    event = an_event(data={"l": [number % 10 for number in range(100_000)]})
    routing = bus(*rules, targets={name: {"queue": True} for name in targets}).route(event)
    assert routing.copies == ()
    assert {each.detail for each in routing.broken} == {f"the result has more than {LARGEST_RESULT} bytes"}
    assert sum(written) < 1024 * 1024


def test_what_a_template_takes_in_all_may_be_as_large_as_what_is_sent() -> None:
    """What comes after the first that is there is not taken."""
    text = "x" * (LARGEST_RESULT // 2 - 10)
    first = {"$first": [{"$": "/data/a"}, {"$": "/data/a"}, {"$": "/data/a"}]}
    copied = bus(a_rule(template=[first, {"$": "/data/a"}])).route(an_event(data={"a": text})).copies[0]
    assert from_json(copied.body) == [text, text]


def test_a_templates_result_has_no_attributes_that_speak_of_the_data_it_was_made_of() -> None:
    about = {"datacontenttype": "application/vnd.x+json", "dataschema": "https://coles.example/x"}
    plain, shaped = bus(a_rule(), a_rule("b", to=("till",), template={"x": 1})).route(an_event(**about)).copies
    assert about.items() <= plain.attributes.items()
    assert about.keys().isdisjoint(shaped.attributes)


def test_another_type_stands_beside_the_first_one() -> None:
    targets = {"desk": {"service": "desk"}}
    (copy,) = bus(a_rule(to=("desk",), **{"as": "desk.run.v1"}), targets=targets).route(an_event()).copies
    assert (copy.attributes["type"], copy.origintype) == ("desk.run.v1", ISSUED)


def test_data_that_is_no_json_keeps_its_form() -> None:
    (copy,) = bus(a_rule()).route(an_event(data_base64="AAE=")).copies
    read = Copy.of(copy.headers(), copy.body)
    assert read.event()["data_base64"] == "AAE="
    assert "data" not in read.event()
    assert "base64" not in read.event()


@pytest.mark.parametrize("data", [{"data": None}, {"data": [1, {"ü": "}"}]}, {"data_base64": "AAE="}, {}])
def test_a_copy_as_text_is_its_event(data: dict[str, Any]) -> None:
    event = an_event(**data)
    if not data:
        del event.event["data"]
    (copy,) = bus(a_rule()).route(event).copies
    assert json.loads(copy.structured()) == copy.event()


@pytest.mark.parametrize("data", [None, 0, False, "", [], {}])
def test_data_that_is_nothing_much_is_there_all_the_same(data: Any) -> None:
    (copy,) = bus(a_rule()).route(an_event(data=data)).copies
    assert Copy.of(copy.headers(), copy.body).event()["data"] == data


def test_an_event_without_data_has_a_copy_without_a_body() -> None:
    event = an_event()
    del event.event["data"]
    (copy,) = bus(a_rule()).route(event).copies
    assert copy.body == b""


def test_an_event_has_so_many_copies_and_the_other_targets_a_dead_letter_each() -> None:
    many = tuple(f"t{n}" for n in range(MOST_COPIES + 2))
    routing = bus(a_rule(to=many)).route(an_event())
    assert [copy.target for copy in routing.copies] == list(many[:MOST_COPIES])
    assert [(each.copy.target, each.reason) for each in routing.broken] == [
        (target, TOO_MANY_COPIES) for target in many[MOST_COPIES:]
    ]


def test_a_replay_makes_the_copies_of_its_targets_alone_under_names_of_their_own() -> None:
    two = bus(a_rule(to=("bi", "till")))
    live = two.route(an_event()).copies[1]
    (again,) = two.route(an_event(), only={"till"}, again="r7").copies
    assert (again.target, again.replayid) == ("till", "r7")
    assert again.deliveryid == f"{live.deliveryid}_r7"
    assert two.copy(an_event(), "bi", "r8").rule == "replay"


def test_too_much_work_is_no_verdict() -> None:
    heavy = bus(
        a_rule(when={"data": {"a": [{"wildcard": "*a*b*c*d*"}, {"wildcard": "*b*c*d*e*"}, {"wildcard": "*c*d*e*f*"}]}})
    )
    with pytest.raises(TooMuchWork):
        heavy.route(an_event(data={"a": ["x"] * 400_000}))


def test_the_same_event_gets_the_same_names_again() -> None:
    once, again = (compiled("fuel", 3, terms(a_rule())).route(an_event()) for _ in range(2))
    assert once == again
