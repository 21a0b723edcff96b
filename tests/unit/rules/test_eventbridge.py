"""EventBridge's patterns keep their meaning in our language, and ours in theirs, or are refused by name."""

import random
from typing import Any

import pytest

from shared.rules.conversions import Inexpressible
from shared.rules.eventbridge import OURS, from_eventbridge, to_eventbridge
from shared.rules.faults import Invalid
from shared.rules.matching import matches
from shared.rules.parsing import parse
from tests.unit.rules.chance import NAMES, NUMBERS, TEXTS, a_scalar, a_test, a_wildcard
from tests.unit.rules.obvious import test_holds as holds_of_a_leaf

SEEDS = 4_000

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
        "file": "images/lib/a.png",
        "nothing": None,
        "empty": "",
        "staff": [{"first": "Anna", "last": "Doe"}, {"first": "John", "last": "Jones"}],
    },
}
"""The event of event-ruler's README, and some fields more."""

CORPUS: list[tuple[Any, bool]] = [
    ({"source": ["aws.ec2"], "detail": {"state": ["initializing", "running"]}}, True),
    ({"source": ["aws.s3"], "detail": {"state": ["running"]}}, False),
    ({"detail-type": ["EC2 Instance State-change Notification"]}, True),
    ({"time": [{"prefix": "2017-10-02"}]}, True),
    ({"source": [{"suffix": "ec2"}]}, True),
    ({"source": [{"suffix": {"equals-ignore-case": ".EC2"}}]}, True),
    ({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True),
    ({"source": [{"equals-ignore-case": "AWS.ec2"}]}, True),
    ({"source": [{"wildcard": "a*.*2"}]}, True),
    ({"source": [{"wildcard": "a*3"}]}, False),
    ({"detail": {"state": [{"anything-but": "initializing"}]}}, True),
    ({"detail": {"state": [{"anything-but": ["running", "stopped"]}]}}, False),
    ({"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}, True),
    ({"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}, True),
    ({"detail": {"file": [{"anything-but": {"suffix": [".png", ".jpg"]}}]}}, False),
    ({"detail": {"state": [{"anything-but": {"equals-ignore-case": ["RUNNING"]}}]}}, False),
    ({"detail": {"file": [{"anything-but": {"wildcard": "*/lib/*"}}]}}, False),
    ({"detail": {"no-such": [{"anything-but": "x"}]}}, False),
    ({"detail": {"nothing": [{"anything-but": "x"}]}}, True),
    ({"detail": {"nothing": [None]}}, True),
    ({"detail": {"empty": [""]}}, True),
    ({"detail": {"nothing": [""]}}, False),
    (
        {
            "detail": {
                "c-count": [{"numeric": [">", 0, "<=", 5]}],
                "d-count": [{"numeric": ["<", 10]}],
                "x-limit": [{"numeric": ["=", 3.018e2]}],
            }
        },
        True,
    ),
    ({"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, False),
    ({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True),
    ({"detail": {"source-ip": [{"cidr": "10.0.0.9/24"}]}}, True),
    ({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False),
    ({"detail": {"c-count": [{"exists": True}]}}, True),
    ({"detail": {"e-count": [{"exists": False}]}}, True),
    ({"detail": {"c-count": [{"exists": False}]}}, False),
    ({"detail": {"missing": {"inside": [{"exists": False}]}}}, True),
    ({"detail": {"staff": {"first": ["Anna"]}}}, True),
    ({"detail": {"staff": {"first": ["Anna"], "last": ["Jones"]}}}, False),
    ({"detail": {"$or": [{"state": ["stopped"]}, {"c-count": [5]}]}}, True),
    ({"$or": [{"source": ["aws.s3"]}, {"detail": {"c-count": [{"numeric": [">", 5]}]}}]}, False),
    ({"$or": [{"source": ["aws.s3"]}, {"detail-type": [{"prefix": "EC2"}]}], "detail": {"d-count": [3]}}, True),
]
"""After the examples of AWS's "Comparison operators" and of event-ruler's README."""


def as_ours(event: dict[str, Any]) -> dict[str, Any]:
    return {OURS[name]: value for name, value in event.items() if name in OURS}


@pytest.mark.parametrize(("pattern", "verdict"), CORPUS, ids=lambda value: str(value)[:80])
def test_a_pattern_of_theirs_gives_their_verdict(pattern: Any, verdict: bool) -> None:
    converted = from_eventbridge(pattern)
    assert matches(parse(converted.data), as_ours(EVENT)) is verdict
    assert Theirs(EVENT).match(pattern) is verdict


@pytest.mark.parametrize(
    ("pattern", "pointer", "found"),
    [
        ({"account": ["1"]}, "/account", "'account'"),
        ({"source": ["x"], "region": ["x"]}, "/region", "'region'"),
        ({"$or": [{"source": ["x"]}, {"resources": ["x"]}]}, "/$or/1/resources", "'resources'"),
        ({"detail": {"$or": [{"a": ["x"]}]}}, "/detail/$or", "a list"),
        ({"detail": {"$or": {"a": ["x"]}}}, "/detail/$or", "an object"),
        ({"detail": {"$x": ["x"]}}, "/detail/$x", "'$x'"),
    ],
)
def test_what_ours_has_no_words_for_is_refused_by_name(pattern: Any, pointer: str, found: str) -> None:
    with pytest.raises(Inexpressible) as error:
        from_eventbridge(pattern)
    assert [(fault.pointer, fault.found) for fault in error.value.faults] == [(pointer, found)]


@pytest.mark.parametrize(
    ("pattern", "pointer"),
    [
        ({"no-such": ["x"]}, "/no-such"),
        ({"detail": ["x"], "detail-type": "x"}, "/detail-type"),
        ({"detail-type": [{"prefix": 5}]}, "/detail-type/0/prefix"),
        ({"$or": [{"detail": {"a": [{"prefix": 5}]}}, {"source": ["x"]}]}, "/$or/0/detail/a/0/prefix"),
        ({"detail": {"a": [{"size": ["=", 1]}]}}, "/detail/a/0/size"),
        ({"detail": {"a": [{"before": "2027-01-01T00:00:00Z"}]}}, "/detail/a/0/before"),
        ({"detail": {"type": []}}, "/detail/type"),
        ({"detail": {}}, "/detail"),
        ([], ""),
    ],
)
def test_what_is_no_pattern_of_theirs_is_told_by_their_own_pointer(pattern: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as error:
        from_eventbridge(pattern)
    assert not isinstance(error.value, Inexpressible)
    assert [fault.pointer for fault in error.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("pattern", "pointer", "found"),
    [
        ({"$not": {"type": ["x"]}}, "/$not", "'$not'"),
        ({"data": {"$not": {"a": ["x"]}}}, "/data/$not", "'$not'"),
        ({"subject": ["x"]}, "/subject", "'subject'"),
        ({"partner": ["coles"]}, "/partner", "'partner'"),
        ({"data": {"a.b": ["x"]}}, "/data/a.b", "'a.b'"),
        ({"data": {"a": ["x", {"before": "2027-01-01T00:00:00Z"}]}}, "/data/a/1", "'before'"),
        ({"data": {"a": [{"after": "2027-01-01T00:00:00Z"}]}}, "/data/a/0", "'after'"),
        ({"data": {"a": [{"all-of": ["x"]}]}}, "/data/a/0", "'all-of'"),
        ({"data": {"a": [{"size": ["=", 1]}]}}, "/data/a/0", "'size'"),
        ({"data": {"a": [{"equals-field": "/type"}]}}, "/data/a/0", "'equals-field'"),
        ({"data": {"a": [{"anything-but": True}]}}, "/data/a/0", "\"{'anything-but': True}\""),
        ({"data": {"a": [{"numeric": [">", 5_000_000_001]}]}}, "/data/a/0", "\"{'numeric': ['>', 5000000001]}\""),
        ({"data": {"a": [{"numeric": ["=", 0.0000001]}]}}, "/data/a/0", "\"{'numeric': ['=', 1e-07]}\""),
        ({"data": {"a": ["x"]}, "$and": [{"data": {"b": ["x"]}}]}, "", "'detail'"),
    ],
)
def test_what_theirs_has_no_words_for_is_refused_by_name(pattern: Any, pointer: str, found: str) -> None:
    with pytest.raises(Inexpressible) as error:
        to_eventbridge(parse(pattern))
    assert [(fault.pointer, fault.found) for fault in error.value.faults] == [(pointer, found)]


def test_patterns_of_and_stand_side_by_side_where_they_can() -> None:
    ours = parse({"type": ["x"], "$and": [{"data": {"a": [1]}}, {"$or": [{"source": ["x"]}, {"source": ["y"]}]}]})
    assert to_eventbridge(ours).data == {
        "detail-type": ["x"],
        "detail": {"a": [1]},
        "$or": [{"source": ["x"]}, {"source": ["y"]}],
    }


def test_where_the_languages_differ_stands_a_remark() -> None:
    theirs = {"detail": {"a": ["x", {"exists": True}], "b": [{"anything-but": "x"}], "c": ["y"]}}
    assert [remark.pointer for remark in from_eventbridge(theirs).remarks] == ["/detail/a/1", "/detail/b/0"]
    ours = parse({"data": {"a": [{"exists": True}]}})
    assert [remark.pointer for remark in to_eventbridge(ours).remarks] == ["/data/a/0"]


LETTERS = "aAzZ\u00e4\u00c4iI\u0130\u0131sS\u017f\u00df\u1e9ekK\u212afF\ufb01\u03c3\u03c2\u03a3\U00010400\U00010428"


def theirs_ignores_case(text: str, value: str) -> bool:
    """As `EqualsIgnoreCaseParser` has it: of each of Java's characters the small and the capital form, in UTF-8."""
    found = {""}
    for letter in text:
        forms = {letter.lower(), letter.upper()} if letter < "\U00010000" else set()
        found = {begun + form for begun in found for form in forms if value.startswith(begun + form)}
    return value in found


def test_where_no_remark_stands_both_languages_ignore_case_alike() -> None:
    alike = different = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        text, value = ("".join(chance.choices(LETTERS, k=chance.choice((1, 1, 2, 3)))) for _ in range(2))
        value = chance.choice((value, text.upper(), text.lower(), text.swapcase()))
        converted = from_eventbridge({"source": [{"equals-ignore-case": text}]})
        ours = matches(parse(converted.data), {"source": value})
        if converted.remarks:
            different += ours is not theirs_ignores_case(text, value)
        else:
            assert ours is theirs_ignores_case(text, value), f"{text!r} on {value!r}"
            alike += ours
    assert alike > SEEDS / 20
    assert different > SEEDS / 20


@pytest.mark.parametrize(
    "test",
    [
        {"prefix": {"equals-ignore-case": "stra\u00dfe"}},
        {"suffix": {"equals-ignore-case": "K"}},
        {"anything-but": {"equals-ignore-case": ["a", "\u017f"]}},
    ],
)
def test_wherever_case_is_ignored_a_remark_stands_both_ways(test: Any) -> None:
    remarks = from_eventbridge({"source": [test]}).remarks
    assert ("/source/0", True) in [(each.pointer, "folds case" in each.text) for each in remarks]
    assert to_eventbridge(parse({"source": [test]})).remarks == remarks


class Theirs:
    """EventBridge as its guide has it: an event is a list of leaves, each with the elements of lists it lies in.

    A pattern matches where its leaves hold, no two of them in different elements of one list.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self._leaves: dict[tuple[str, ...], list[tuple[Any, dict[tuple[str, ...], list[int]]]]] = {}
        self._flatten(event, (), {})

    def _flatten(self, node: Any, path: tuple[str, ...], places: dict[tuple[str, ...], list[int]]) -> None:
        if isinstance(node, dict):
            for name, inner in node.items():
                self._flatten(inner, (*path, name), places)
        elif isinstance(node, list):
            for place, inner in enumerate(node):
                self._flatten(inner, path, places | {path: [*places.get(path, []), place]})
        else:
            self._leaves.setdefault(path, []).append((node, places))

    def match(self, pattern: dict[str, Any]) -> bool:
        return any(self._consistent(rule, {}) for rule in _disjunctions(pattern, ()))

    def _consistent(
        self, rule: list[tuple[tuple[str, ...], list[Any]]], chosen: dict[tuple[str, ...], list[int]]
    ) -> bool:
        if not rule:
            return True
        (path, tests), *rest = rule
        leaves = self._leaves.get(path, [])
        if not leaves and {"exists": False} in tests and self._consistent(rest, chosen):
            return True
        for value, places in leaves:
            above = {each: place for each, place in places.items() if each != path}
            if (
                any(test != {"exists": False} and holds_of_a_leaf(test, value, {}) for test in tests)
                and all(chosen.get(each, place) == place for each, place in above.items())
                and self._consistent(rest, chosen | above)
            ):
                return True
        return False


def _disjunctions(pattern: dict[str, Any], path: tuple[str, ...]) -> list[list[tuple[tuple[str, ...], list[Any]]]]:
    found: list[list[tuple[tuple[str, ...], list[Any]]]] = [[]]
    for name, wanted in pattern.items():
        if name == "$or":
            branches = [rule for each in wanted for rule in _disjunctions(each, path)]
        elif isinstance(wanted, dict):
            branches = _disjunctions(wanted, (*path, name))
        else:
            branches = [[((*path, name), wanted)]]
        found = [[*one, *other] for one in found for other in branches]
    return found


SIMPLE = ("a", "b", "c", "type")


def a_pattern_of_theirs(chance: random.Random, depth: int = 2) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in chance.sample(SIMPLE, chance.choice((1, 1, 2))):
        deeper = depth > 0 and chance.random() < 0.4
        found[name] = (
            a_pattern_of_theirs(chance, depth - 1) if deeper else [_a_test_of_theirs(chance) for _ in range(2)]
        )
    if depth > 0 and chance.random() < 0.3:
        found["$or"] = [a_pattern_of_theirs(chance, depth - 1) for _ in range(2)]
    return found


def _a_test_of_theirs(chance: random.Random) -> Any:
    kind = chance.choice(("", "", "prefix", "suffix", "wildcard", "anything-but", "numeric", "exists"))
    match kind:
        case "prefix" | "suffix":
            return {kind: chance.choice(TEXTS)}
        case "wildcard":
            return {kind: a_wildcard(chance)}
        case "anything-but":
            return {kind: chance.choice((chance.choice(TEXTS), [1, 2.5], {"prefix": "x"}))}
        case "numeric":
            return {kind: chance.choice(([">", 0], ["=", 1], [">=", 0, "<", 2]))}
        case "exists":
            return {kind: chance.random() < 0.5}
    return a_scalar(chance)


def an_event_of_theirs(chance: random.Random, *, lists: bool, depth: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in chance.sample(SIMPLE, chance.randrange(1, 5)):
        dice = chance.random()
        if depth > 0 and dice < 0.4:
            found[name] = an_event_of_theirs(chance, lists=lists, depth=depth - 1)
        elif lists and depth > 0 and dice < 0.7:
            of_objects = chance.random() < 0.6
            found[name] = [
                an_event_of_theirs(chance, lists=True, depth=depth - 1) if of_objects else a_scalar(chance)
                for _ in range(chance.randrange(1, 4))
            ]
        else:
            found[name] = a_scalar(chance)
    return found


def _differs_by_a_remark(pattern: dict[str, Any], node: Any) -> bool:
    """Does a test with a remark meet an object, or look for absence among a list's elements?"""
    for name, wanted in pattern.items():
        if name == "$or":
            if any(_differs_by_a_remark(each, node) for each in wanted):
                return True
            continue
        inner = [each.get(name) for each in _objects(node) if name in each]
        if isinstance(wanted, dict):
            if any(_differs_by_a_remark(wanted, each) for each in inner):
                return True
        elif _has_a_remark(wanted) and (isinstance(node, list) or any(_objects(each) for each in inner)):
            return True
    return False


def _objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [inner for each in node for inner in _objects(each)]
    return [node] if isinstance(node, dict) else []


def _has_a_remark(tests: list[Any]) -> bool:
    return any(isinstance(test, dict) and next(iter(test)) in {"exists", "anything-but"} for test in tests)


def test_random_patterns_of_theirs_mean_the_same_on_random_events() -> None:
    compared = matched = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        detail = a_pattern_of_theirs(chance)
        converted = from_eventbridge({"detail": detail})
        pattern = parse(converted.data)
        for _ in range(4):
            event = {"detail": an_event_of_theirs(chance, lists=seed % 2 == 0)}
            if converted.remarks and _differs_by_a_remark(detail, event["detail"]):
                continue
            verdict = Theirs(event).match({"detail": detail})
            assert matches(pattern, as_ours(event)) is verdict, f"seed {seed}: {detail} on {event}"
            compared, matched = compared + 1, matched + verdict
    assert compared > 2.5 * SEEDS
    assert matched > 0.05 * compared


def test_random_rules_of_ours_come_back_as_they_were_or_are_refused() -> None:
    expressed = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        tests = [a_test(chance) for _ in range(chance.choice((1, 2)))]
        ours = parse({"type": ["x"], "data": {chance.choice(NAMES): tests, "z": [chance.choice(NUMBERS[:6])]}})
        try:
            theirs = to_eventbridge(ours)
        except Inexpressible:
            continue
        assert from_eventbridge(theirs.data).data == ours.data, f"seed {seed}"
        expressed += 1
    assert 0.2 * SEEDS < expressed < 0.9 * SEEDS
