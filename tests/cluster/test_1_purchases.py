"""The overlay as it is: everything gets ready, and the demonstration's purchases complete through the Services."""

import pytest
from rich.console import Console

from services.cli.demo.portal import OutsideWorld
from services.cli.demo.scenarios import Scenes
from services.house import HOUSE
from tests.cluster.figures import Page
from tests.cluster.stack import ClusterStack


@pytest.mark.timeout(900)
def test_the_demonstrations_purchases_complete_and_the_books_agree(stack: ClusterStack, page: Page) -> None:
    outside = OutsideWorld(stack.url)
    outside.behave()
    scenes = Scenes(stack, Console(quiet=True)).all()
    for _, play in scenes:
        play()
        outside.behave()
    stack.books_agree(len(scenes))
    rows = {"everything ready after": f"{stack.ready_after:.0f} s", "purchases of the demonstration": len(scenes)}
    page.tell("Everything gets ready", "One of the purchases goes through a checkout that is killed.", rows)


def test_every_pod_runs_under_the_restricted_standard_as_nobody_and_without_a_token(stack: ClusterStack) -> None:
    pods = stack.kubectl.pods()
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} >= {
        each.name for each in HOUSE if not each.may_rest
    }
    for pod in pods:
        mounted = [volume["name"] for volume in pod["spec"]["volumes"]]
        assert not [name for name in mounted if name.startswith("kube-api-access")], pod["metadata"]["name"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
