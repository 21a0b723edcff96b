"""A cluster to run on: the one that KUBECONFIG names, else one of our own, by the `kube` on the PATH."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from services.cli.deploy.tree import REPOSITORY
from tests.cluster.kubectl import OVERLAY, Kubectl

IMAGE: Final = "milesaga:dev"
NEXT: Final = "milesaga:next"
"""The same again, as a version that is well."""
BROKEN: Final = "milesaga:broken"
"""A version with a planted fault."""
PLANTED: Final = REPOSITORY / "tests" / "cluster" / "planted"
CLAIMS: Final = 4
"""Of the overlay: the broker's, the store's, the sandbox's, the archive's."""
STOPPED_WITHIN: Final = 120.0
NETWORKS: Final = Path("/run/netns")


@contextmanager
def cluster(folder: Path) -> Iterator[Kubectl]:
    """Skips where there is none to be had."""
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Kubectl(_program("kubectl"), Path(given))
        return
    kube = _program("kube")
    archive = _images(folder)
    clear_networks()
    process = subprocess.Popen([kube, "up", str(folder / "kube")], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("ready "), f"kube up: {said}"
        subprocess.run([kube, "load", str(folder / "kube"), str(archive)], check=True, stdout=subprocess.DEVNULL)
        archive.unlink()
        where = ["sh", "-c", "command -v kubectl"]
        found = subprocess.run([kube, "exec", str(folder / "kube"), "--", *where], check=True, capture_output=True)
        kubectl = Kubectl(found.stdout.decode().strip(), folder / "kube" / "kubeconfig")
        _volumes(kubectl, folder / "volumes")
        yield kubectl
    finally:
        process.terminate()
        process.wait(STOPPED_WITHIN)


def clear_networks() -> None:
    """Of clusters of our own that were killed: all have one address, and what the next one is asked would go there."""
    for network in NETWORKS.glob("kube-*"):
        if not _ip("netns", "pids", network.name):
            _ip("netns", "delete", network.name)
            # its end on the machine goes with the last who looks into the network, which may be later
            _ip("link", "delete", network.name.replace("kube-", "v"), check=False)


def _ip(*arguments: str, check: bool = True) -> str:
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True).stdout


def _program(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"there is no `{name}` on the PATH, and KUBECONFIG names no cluster")


def _images(folder: Path) -> Path:
    """Ours, built from this tree, and those that the overlay names, as `docker save` writes them."""
    docker = _program("docker")
    if subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine runs: nothing can build the image")
    for tag, place in ((IMAGE, REPOSITORY), (BROKEN, PLANTED)):
        subprocess.run([docker, "build", "--quiet", "--tag", tag, str(place)], check=True, capture_output=True)
    subprocess.run([docker, "tag", IMAGE, NEXT], check=True)
    named = set(re.findall(r"image: (\S+:\S+)", "".join(each.read_text() for each in _overlay())))
    archive = folder / "images.tar"
    subprocess.run([docker, "save", "--output", str(archive), IMAGE, NEXT, BROKEN, *sorted(named)], check=True)
    return archive


def _overlay() -> Iterator[Path]:
    return (REPOSITORY / OVERLAY).glob("*.yaml")


def _volumes(kubectl: Kubectl, folder: Path) -> None:
    """That cluster makes none by itself."""
    anywhere = [{"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}]
    for number in range(CLAIMS):
        place = folder / str(number)
        place.mkdir(parents=True)
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"local-{number}"},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce"],
                "local": {"path": str(place)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": anywhere}},
            },
        }
        kubectl("apply", "--filename=-", given=json.dumps(volume))
