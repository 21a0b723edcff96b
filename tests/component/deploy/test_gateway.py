"""The composed stack's gateway as nginx itself reads it, with TLS and without; skipped where there is no nginx."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from services.cli.deploy.tree import REPOSITORY
from services.cli.ports import free_ports
from tests.eventually import eventually
from tests.kit.tls import Authority

NGINX = shutil.which("nginx")
GATEWAY = REPOSITORY / "deploy/gateway"
CERTIFICATE, KEY = "/etc/nginx/tls/certificate.pem", "/etc/nginx/tls/key.pem"


class Gateway:
    """The configuration as it lies in the container, moved into a folder and to free ports."""

    def __init__(self, folder: Path) -> None:
        self.plain, self.tls = free_ports(2)
        self._folder = folder
        (folder / "tls").mkdir()
        self._place("nginx.conf")

    def with_tls(self) -> Path:
        """As `tls.yml` mounts it; the authority's certificate."""
        authority = Authority(self._folder / "authority")
        authority.server()
        for path in (CERTIFICATE, KEY):
            shutil.copy(self._folder / "authority/server.pem", self._folder / "tls" / Path(path).name)
        self._place("tls.conf")
        return authority.file

    def check(self) -> str:
        """What `nginx -t` says of it."""
        done = subprocess.run([*self._command(), "-t"], capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stderr

    @contextmanager
    def running(self) -> Iterator[None]:
        process = subprocess.Popen([*self._command(), "-g", "daemon off; master_process off;"])
        try:
            yield
        finally:
            process.kill()  # a gentler signal that comes before it waits for its first client would be waited out
            process.wait(timeout=10)

    def _command(self) -> list[str]:
        assert NGINX is not None
        return [NGINX, "-c", str(self._folder / "nginx.conf"), "-e", "stderr"]

    def _place(self, name: str) -> None:
        text = (GATEWAY / name).read_text()
        for there, here in ((" /tmp/", f" {self._folder}/"), ("/etc/nginx/", f"{self._folder}/")):
            text = text.replace(there, here)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.plain}")
        (self._folder / name).write_text(text.replace("listen 8443", f"listen 127.0.0.1:{self.tls}"))


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    if NGINX is None:
        pytest.skip("no nginx on PATH")
    return Gateway(tmp_path)


async def test_without_a_certificate_it_speaks_no_tls(gateway: Gateway) -> None:
    assert "test is successful" in gateway.check()
    with gateway.running():
        async with httpx.AsyncClient(trust_env=False) as client:
            await eventually(lambda: lives(client, f"http://127.0.0.1:{gateway.plain}"), within=30)
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://127.0.0.1:{gateway.tls}/healthz")


async def test_with_a_certificate_and_a_key_it_speaks_tls_beside_plain_http(gateway: Gateway) -> None:
    authority = gateway.with_tls()
    assert "test is successful" in gateway.check()
    with gateway.running():
        async with httpx.AsyncClient(trust_env=False, verify=ssl.create_default_context(cafile=authority)) as client:
            await eventually(lambda: lives(client, f"https://127.0.0.1:{gateway.tls}"), within=30)
            assert await lives(client, f"http://127.0.0.1:{gateway.plain}")
            away = await client.get(f"https://127.0.0.1:{gateway.tls}/internal/offers")
            assert (away.status_code, away.headers["content-type"]) == (404, "application/problem+json")


async def lives(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/healthz")).text == '{"status": "alive"}'
    except httpx.ConnectError:
        return False


def test_what_compose_mounts_for_tls_is_what_nginx_reads() -> None:
    """Without nginx too: the files' places, and that neither a certificate nor a port of it is there by default."""
    added = yaml.safe_load((GATEWAY / "tls.yml").read_text())["services"]["gateway"]
    places = [volume.split(":")[-2] for volume in added["volumes"]]
    assert places == ["/etc/nginx/tls.conf", CERTIFICATE, KEY]
    text = (GATEWAY / "tls.conf").read_text()
    assert f"ssl_certificate {CERTIFICATE};" in text
    assert f"ssl_certificate_key {KEY};" in text
    assert [port.rpartition(":")[2] for port in added["ports"]] == ["8443"]
    assert "8443" not in (REPOSITORY / "docker-compose.yml").read_text()
