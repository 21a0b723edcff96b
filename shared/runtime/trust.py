"""Which certificate authorities a process believes, beyond or instead of those that everybody does."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _authorities(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"{file} holds no certificates in PEM") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from None
    return file


CaFile = Annotated[Path, AfterValidator(_authorities)]
"""A PEM file of certificate authorities, looked into when the setting is read."""


def https_context(ca_file: Path | None) -> ssl.SSLContext:
    """How servers are checked over HTTPS: by the public authorities, and those of the file."""
    import httpx  # noqa: PLC0415 - half a second for whoever only reads settings

    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
