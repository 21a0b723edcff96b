"""What a service's new version is judged by beside all others': how it differs from the one that stays.

A look at which there is too little to compare is inconclusive: neither for the version nor against it. Where most looks
at the first tenth were, nobody knows how the version is: Argo Rollouts waits there until a person says that it goes on.
It must be a step that waits. Stopped by the analysis beside its steps, a roll-out goes on when the pause is over in
which it was stopped, and through all other steps at once (Argo Rollouts 1.9).
"""

from typing import Final

from services.cli.deploy.kubernetes import figures
from services.cli.deploy.kubernetes.canary import CANARY, FIRST_LOOKS, STABLE, metric, own_template, template
from services.cli.deploy.kubernetes.objects import Object
from shared.runtime.description import Description
from shared.runtime.judged import Behind, Judged, Share, Slowest

FEWEST: Final = 20
"""Events, requests or attempts of the new version within the window; of fewer a part or a p99 says nothing."""
MOST_BAD: Final = figures.WINDOW_SECONDS // figures.LOOK_SECONDS
"""Looks. One bad batch of a partner's is in so many; who is bad in one more is so for longer than a window."""
WINDOW: Final = "{{args.window}}"


def own_analysis(description: Description) -> list[Object]:
    """Of a service that says what it is judged by; the others need none."""
    if not description.judged_by:
        return []
    metrics = [_metric(each) for each in description.judged_by]
    return [template(own_template(description), metrics, service=description.name, **FIRST_LOOKS)]


def _metric(judged: Judged) -> Object:
    """No sample and NaN satisfy neither condition."""
    return metric(
        judged.name,
        question(judged),
        count="{{args.looks}}",
        failureLimit=MOST_BAD,
        inconclusiveLimit="{{args.unknown}}",
        successCondition=f"len(result) == 1 && result[0] <= {judged.most}",
        failureCondition=f"len(result) == 1 && result[0] > {judged.most}",
    )


def question(judged: Judged) -> str:
    """In PromQL, with the arguments of the template open: one number, or none where there is too little to compare."""
    match judged:
        case Share():
            return _excess(judged)
        case Slowest():
            return _times(judged)
        case Behind(gauge=gauge):
            late, other = (f"max({gauge}{{{_pods(track)}}})" for track in (CANARY, STABLE))
            return f"({late} > 0)\n- ({other} or vector(0))"


def _excess(share: Share) -> str:
    """What is bad of the new version, less what would be bad of it if each partner fared as with the other one."""
    by = f"({', '.join(share.alike)})"

    def counted(track: str, window: str, *more: str) -> str:
        each = ",".join(filter(None, (_pods(track), share.of, *more)))
        return f"sum by {by} (increase({share.counter}{{{each}}}[{window}]))"

    since = share.since or WINDOW
    known = f"({counted(STABLE, since)} > 0)"
    part = f"({counted(STABLE, since, share.bad)} or 0 * {known})\n  / on {by} {known}"
    bad = f"(sum({counted(CANARY, WINDOW, share.bad)} and on {by} {known}) or vector(0))"
    expected = f"sum({counted(CANARY, WINDOW)}\n  * on {by} ({part}))"
    compared = f"(sum({counted(CANARY, WINDOW)} and on {by} {known}) >= {FEWEST})"
    return f"({bad}\n- {expected})\n/ {compared}"


def _times(slowest: Slowest) -> str:
    def p99(track: str) -> str:
        buckets = f"{slowest.histogram}_bucket{{{_pods(track)},{slowest.of}}}"
        return f"histogram_quantile(0.99, sum by (le) (rate({buckets}[{WINDOW}])))"

    enough = f"sum(increase({slowest.histogram}_count{{{_pods(CANARY)},{slowest.of}}}[{WINDOW}])) >= {FEWEST}"
    return f"{p99(CANARY)}\n/ clamp_min({p99(STABLE)}, {slowest.least})\nand on () {enough}"


def _pods(track: str) -> str:
    return f'app="{{{{args.service}}}}",track="{track}"'
