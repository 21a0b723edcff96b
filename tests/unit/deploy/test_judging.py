"""What a service's new version is judged by, asked of Prometheus itself: of versions that are well, that are bad, and
of which nothing can be said."""

import math
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.archive.service import SERVICE as ARCHIVE
from services.cli.deploy.kubernetes import canary, figures, judging
from services.delivery.service import SERVICE as DELIVERY
from services.house import HOUSE
from services.hub.service import SERVICE as HUB
from shared.runtime.description import Description, WrongHouse, house
from shared.runtime.judged import Behind, Judged
from tests.kit.promql import declared, named, program, wrong_labels

Told = Mapping[str, str]
"""Values of a series, one each 15 seconds, as promtool writes them; the series by its metric and its own labels."""

Look = tuple[Told, Told, str]
"""Of the version that stays, of the new one, and what is to be found."""
Judge = Callable[..., None]

VERDICTS: Final = ("unknown", "well", "bad")
UNKNOWN, WELL, BAD = VERDICTS
REFUSED: Final = 'milesaga_hub_events_total{{partner="{}", outcome="refused"}}'
ACCEPTED: Final = 'milesaga_hub_events_total{{partner="{}", outcome="accepted"}}'
POSTED: Final = 'milesaga_http_requests_total{{method="POST", route="/v1/events", status="{}"}}'
TRIED: Final = 'milesaga_target_attempts_total{{bus="fuel", target="{}", fault="{}"}}'
LAG: Final = "milesaga_archive_lag_seconds"

JUDGED: Final = {each.name: each for service in HOUSE for each in service.judged_by}
OWN: Final = [metric for each in HOUSE for made in judging.own_analysis(each) for metric in made["spec"]["metrics"]]


def asked(judged: Judged, service: Description) -> str:
    """As the analysis would, its arguments filled in."""
    question = judging.question(judged).replace("{{args.service}}", service.name)
    return question.replace(judging.WINDOW, canary.WINDOW)


def answers(seconds: Mapping[float, int], *, of: str = 'method="POST", route="/v1/events"') -> dict[str, str]:
    """A histogram's series: so many answers each 15 s that took at most so long."""
    buckets: dict[str, str] = {}
    total = 0
    for bound in (0.01, 0.1, 0.25, 0.5, 1.0):
        total += seconds.get(bound, 0)
        buckets[f'milesaga_http_seconds_bucket{{{of}, le="{bound}"}}'] = f"0+{total}x240"
    count = f"0+{total}x240"
    return buckets | {
        f'milesaga_http_seconds_bucket{{{of}, le="+Inf"}}': count,
        f"milesaga_http_seconds_count{{{of}}}": count,
    }


def told(service: Description, track: str, series: Told) -> Iterator[dict[str, str]]:
    """With what a scrape of a version's pods adds, of two pods where it is the one that stays."""
    for instance in ("a", "b") if track == canary.STABLE else ("c",):
        added = f'app="{service.name}", track="{track}", instance="{instance}"'
        for name, values in series.items():
            metric, _, labels = name.removesuffix("}").partition("{")
            yield {"series": f"{metric}{{{labels}{', ' if labels else ''}{added}}}", "values": values}


def case(service: Description, name: str, stays: Told, new: Told, expected: str) -> dict[str, Any]:
    """What Prometheus' answer must mean to the analysis; NaN is no number to it."""
    judged = JUDGED[name]
    question = asked(judged, service)
    bad, well = f"count(({question}) > {judged.most})", f"count(({question}) <= {judged.most})"
    found = f"{bad} * {VERDICTS.index(BAD)} or {well} * {VERDICTS.index(WELL)} or vector({VERDICTS.index(UNKNOWN)})"
    sample = {"labels": "{}", "value": VERDICTS.index(expected)}
    return {
        "interval": "15s",
        "input_series": [*told(service, canary.STABLE, stays), *told(service, canary.CANARY, new)],
        "promql_expr_test": [{"expr": found, "eval_time": "30m", "exp_samples": [sample]}],
    }


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Asks Prometheus of each (the version that stays, the new one, what is to be found)."""

    def ask(service: Description, name: str, *looks: tuple[Told, Told, str]) -> None:
        cases = [case(service, name, *look) for look in looks]
        file = tmp_path / "looks.yml"
        file.write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": cases}))
        done = subprocess.run([program("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return ask


def test_a_version_that_refuses_what_the_other_takes_of_the_same_partner_is_bad(judge: Judge) -> None:
    stays = {ACCEPTED.format("coles"): "0+100x240", REFUSED.format("coles"): "0+1x240"}
    new = {ACCEPTED.format("coles"): "0+50x240", REFUSED.format("coles"): "0+5x240"}
    judge(HUB, "refused-events", (stays, new, BAD), (stays, stays, WELL))


def test_a_partner_who_sends_what_both_refuse_is_no_fault_of_the_new_version(judge: Judge) -> None:
    """It has more of that partner than of the other one: told together it would refuse four times as much."""
    refused = {ACCEPTED.format("bp"): "0+10x240", REFUSED.format("bp"): "0+10x240"}
    stays, new = ({ACCEPTED.format("coles"): taken} | refused for taken in ("0+100x240", "0+10x240"))
    judge(HUB, "refused-events", (stays, new, WELL))


def test_where_too_little_can_be_compared_nothing_is_said_of_refusals(judge: Judge) -> None:
    taken = {ACCEPTED.format("coles"): "0+9x240"}
    still = {ACCEPTED.format("coles"): "9x240"}
    few, all_, of_another = (
        {REFUSED.format("coles"): "0+1x240"},
        {REFUSED.format("coles"): "0+9x240"},
        {REFUSED.format("bp"): "0+9x240"},
    )
    limited = {'milesaga_hub_events_total{partner="coles", outcome="rate_limited"}': "0+900x240"}
    looks: list[tuple[Told, Told]] = [({}, {}), (taken, {}), (taken, few), (taken, of_another), ({}, all_)]
    looks += [(still, still), (taken, limited)]
    judge(HUB, "refused-events", (taken, all_, BAD), *((*look, UNKNOWN) for look in looks))


@pytest.mark.parametrize("status", [503, 401])
def test_a_version_that_does_not_accept_is_bad_unless_the_other_does_not_either(judge: Judge, status: int) -> None:
    well = {POSTED.format(202): "0+50x240", POSTED.format(422): "0+9x240"}
    failing = well | {POSTED.format(status): "0+2x240"}
    judge(HUB, "accept-errors", (well, failing, BAD), (failing, failing, WELL), (well, well, WELL), (well, {}, UNKNOWN))


def test_a_version_is_slow_that_is_beyond_twice_the_others_p99_and_beyond_what_is_fast(judge: Judge) -> None:
    fast, slower, slow = answers({0.01: 100}), answers({0.01: 80, 0.1: 20}), answers({0.01: 90, 0.5: 10})
    judge(HUB, "accept-p99", (fast, slower, WELL), (fast, slow, BAD), (slow, slow, WELL))


def test_of_few_requests_or_none_nothing_is_said_of_slowness(judge: Judge) -> None:
    fast, few, none = answers({0.01: 100}), answers({0.5: 4}), answers({})
    looks: list[tuple[Told, Told]] = [({}, {}), (fast, few), (fast, {}), ({}, fast), (none, fast), (fast, none)]
    judge(HUB, "accept-p99", *((*look, UNKNOWN) for look in looks))


def test_a_version_whose_posts_fail_where_the_others_did_not_is_bad(judge: Judge) -> None:
    """One process has a target: the new one's had them taken over ten minutes ago."""
    before = {TRIED.format("coles-bi", "none"): "0+10x80 _x160", TRIED.format("down", "timeout"): "0+10x80 _x160"}
    refused = {TRIED.format("coles-bi", "http_401"): "_x80 0+10x160", TRIED.format("down", "timeout"): "_x80 0+1x160"}
    taken = {TRIED.format("coles-bi", "none"): "_x80 0+10x160", TRIED.format("down", "timeout"): "_x80 0+10x160"}
    of_a_new_target = {TRIED.format("new", "http_500"): "_x80 0+10x160"}
    unknown: list[Look] = [(before, of_a_new_target, UNKNOWN), (before, {}, UNKNOWN)]
    judge(DELIVERY, "failed-attempts", (before, refused, BAD), (before, taken, WELL), *unknown)


def test_a_version_that_keeps_pages_later_than_the_other_is_bad(judge: Judge) -> None:
    def late(seconds: float) -> Told:
        return {LAG: f"{seconds}x240"}

    bad: list[Look] = [(late(1), late(60), BAD), (late(0), late(60), BAD), ({}, late(60), BAD)]
    well: list[Look] = [(late(900), late(910), WELL), (late(1), late(0.5), WELL)]
    judge(ARCHIVE, "pages-kept-late", *bad, *well, (late(1), late(0), UNKNOWN), (late(1), {}, UNKNOWN))


@pytest.mark.parametrize("metric", OWN, ids=lambda metric: metric["name"])
def test_an_answer_is_for_the_version_against_it_or_neither(metric: dict[str, Any]) -> None:
    """The conditions in Python's words, which are those of Argo Rollouts' but for `&&`."""

    def holds(condition: str, result: list[float]) -> bool:
        return bool(eval(metric[condition].replace("&&", "and"), {"len": len, "result": result}))  # noqa: S307 - ours

    most = JUDGED[metric["name"]].most
    for result, found in (
        ([most], [True, False]),
        ([-1.0], [True, False]),
        ([most + 0.001], [False, True]),
        ([math.inf], [False, True]),
        ([math.nan], [False, False]),
        ([], [False, False]),
    ):
        assert [holds(name, result) for name in ("successCondition", "failureCondition")] == found


def arguments(of: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in of["args"] if "value" in each}


@pytest.mark.parametrize("metric", OWN, ids=lambda metric: metric["name"])
def test_one_bad_batch_takes_no_version_back(metric: dict[str, Any]) -> None:
    assert metric["failureLimit"] * figures.LOOK_SECONDS >= figures.WINDOW_SECONDS
    assert metric["failureLimit"] < figures.FIRST_LOOKS


@pytest.mark.parametrize("service", [each for each in HOUSE if each.judged_by], ids=lambda each: each.name)
def test_a_version_of_which_nothing_can_be_said_stays_at_its_first_tenth_until_a_person_says_so(
    service: Description,
) -> None:
    """By a step that is over when its looks are: beside the steps the same questions are asked without an end, and what
    they cannot say stops nothing."""
    strategy = canary.strategy(service)["canary"]
    first, step = strategy["steps"][:2]
    assert first == {"setWeight": figures.CANARY_WEIGHTS[0]}
    (made,) = judging.own_analysis(service)
    assert step["analysis"]["templates"] == [{"templateName": made["metadata"]["name"]}]
    assert arguments(step["analysis"]) == {"service": service.name}
    looks, unknown = (int(arguments(made["spec"])[name]) for name in ("looks", "unknown"))
    assert 0 < unknown < looks, "Argo Rollouts takes no step without an end"
    beside = arguments(strategy["analysis"])
    assert beside["looks"] == "0", "no end"
    assert int(beside["unknown"]) > 100_000
    for metric in made["spec"]["metrics"]:
        assert (metric["count"], metric["inconclusiveLimit"]) == ("{{args.looks}}", "{{args.unknown}}")


@pytest.mark.parametrize("service", [each for each in HOUSE if each.judged_by], ids=lambda each: each.name)
def test_what_a_service_is_judged_by_are_metrics_and_labels_that_there_are(service: Description) -> None:
    for each in service.judged_by:
        assert named(asked(each, service)) <= set(declared())
        assert wrong_labels(asked(each, service)) <= {"app", "track"}


def test_a_service_that_says_what_it_is_judged_by_is_judged_by_that_too() -> None:
    for service in HOUSE:
        templates = canary.strategy(service)["canary"]["analysis"]["templates"]
        names = [each["metadata"]["name"] for each in judging.own_analysis(service)]
        assert [each["templateName"] for each in templates] == [canary.ANALYSIS, *names]
    assert {each.name for each in HOUSE if judging.own_analysis(each)} == {"hub", "archive", "delivery"}


def test_no_service_is_judged_by_two_things_of_one_name() -> None:
    twice = (Behind("late", "milesaga_archive_lag_seconds", most=1), Behind("late", "milesaga_store_seconds", most=1))
    with pytest.raises(WrongHouse, match="judged twice"):
        house(Description("parcel", public=("/v1/parcels",), scales_by="requests", judged_by=twice))
