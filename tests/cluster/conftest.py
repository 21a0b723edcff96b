"""One cluster for all of these tests, which follow one another on it."""

from collections.abc import Iterator

import pytest

from tests.cluster import figures
from tests.cluster.figures import Page
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import cluster
from tests.cluster.stack import ClusterStack


@pytest.fixture(scope="session")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    with cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture(scope="session")
def stack(kubectl: Kubectl) -> Iterator[ClusterStack]:
    """Everything is ready; its address is the gateway's Service."""
    whole = ClusterStack(kubectl)
    whole.apply()
    whole.ready_after = whole.start()
    with kubectl.opened("gateway", 8080) as url:
        whole.url = url
        yield whole


@pytest.fixture(autouse=True)
def begun(stack: ClusterStack) -> None:
    """Each test counts its own purchases."""
    stack.sold = stack.audited().purchases


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Where figures are told."""
    return figures.page(tmp_path_factory.mktemp("figures"))
