"""Servers behind TLS, with certificates of an authority that nobody knows."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CHUNK = 65_536
LIFE = timedelta(days=3650)


class Authority:
    """A private certificate authority; `file` holds its certificate, in PEM."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = _named(f"authority of {name}")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._signed(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), x509.KeyUsage(**_uses(signs=True))
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def server(self, address: str = "127.0.0.1", *, good_for: timedelta = LIFE) -> ssl.SSLContext:
        """What a server at that address shows; a negative time: its certificate ended so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(
            _named(address), key, x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), good_for=good_for
        )
        chain = self._folder / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        return context

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *extensions: x509.ExtensionType,
        good_for: timedelta = LIFE,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + good_for)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())


@contextlib.asynccontextmanager
async def behind_tls(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port at which the plain server of this machine's `port` speaks TLS."""
    running: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        for flow in (_flow(reader, inner_writer), _flow(inner_reader, writer)):
            task = asyncio.create_task(flow)
            running.add(task)
            task.add_done_callback(running.discard)

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _uses(*, signs: bool) -> dict[str, bool]:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return dict.fromkeys(names, False) | {"key_cert_sign": signs, "crl_sign": signs}
