"""What a process would not start with: every fault of its settings at once, over all services that it runs."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from ipaddress import ip_address
from typing import Final

from shared.runtime.description import Description
from shared.runtime.environment import Environment
from shared.runtime.settings import RuntimeSettings, S, Settings, WrongSettings, read

IN_PRODUCTION: Final = ("broker_url", "mongodb_url", "oidc_issuer", "internal_token")
"""What stands in for these elsewhere is one machine's own."""
BESIDE_SANDBOX: Final = "Sandbox"
"""`SandboxStripeSettings`, beside `StripeSettings`, is read in its place where the sandbox stands in for providers."""


def settings_classes(service: Description) -> list[type[Settings]]:
    """The classes that a description names."""
    found = []
    for place in service.settings:
        module, _, name = place.partition(":")
        settings: type[Settings] = getattr(import_module(module), name)
        found.append(settings)
    return found


def beside_sandbox(settings: type[Settings]) -> type[Settings]:
    """The class read in place of `settings` where the sandbox is on."""
    module = import_module(settings.__module__)
    found: type[Settings] = getattr(module, f"{BESIDE_SANDBOX}{settings.__name__}", settings)
    return found


def check(settings: RuntimeSettings, services: Sequence[Description], *, sandbox_asked_for: bool) -> None:
    """Raises WrongSettings that names everything that is missing or wrong. `sandbox_asked_for`: by its name."""
    if found := faults(settings, services, sandbox_asked_for=sandbox_asked_for):
        raise WrongSettings(*found)


def faults(settings: RuntimeSettings | None, services: Sequence[Description], *, sandbox_asked_for: bool) -> list[str]:
    """A sentence for each thing that is missing or wrong.

    Where the process's own settings cannot be read, it is not known whether the sandbox stands in for anything, and the
    services' are read as if it did.
    """
    classes = [each for service in services for each in settings_classes(service)]
    found: list[str] = []
    if settings is not None:
        found += _missing_in_production(settings)
        if settings.sandbox and not sandbox_asked_for and "sandbox" not in settings.model_fields_set:
            found += _against_the_sandbox(settings, classes)
    for each in classes:
        try:
            read_beside(each, beside_sandbox(each), sandbox=settings is None or settings.sandbox)
        except WrongSettings as error:
            found += error.faults
    return list(dict.fromkeys(found))


def read_beside(real: type[S], stand_in: type[S], *, sandbox: bool) -> S:
    """One class of settings, or what is read in its place beside the sandbox.

    What is given an address of its own is no stand-in: whatever has no default in `real` must be given then, too.
    """
    if not sandbox:
        return read(real)
    found = read(stand_in)
    if "url" in found.model_fields_set:
        prefix = str(real.model_config.get("env_prefix") or "")
        missing = [name for name, field in real.model_fields.items() if field.is_required()]
        missing = [f"{prefix}{name}".upper() for name in missing if name not in found.model_fields_set]
        if missing:
            raise WrongSettings(*(f"{each}: is required where {prefix}URL is given" for each in missing))
    return found


def _missing_in_production(settings: RuntimeSettings) -> Iterable[str]:
    if settings.environment == "production":
        for name in IN_PRODUCTION:
            if getattr(settings, name) is None:
                yield f"{name.upper()}: is required in production"
    elif settings.oidc_issuer is None and not settings.sandbox:
        yield "OIDC_ISSUER: is required where SANDBOX is off"


def _against_the_sandbox(settings: RuntimeSettings, classes: Iterable[type[Settings]]) -> Iterable[str]:
    """What says that this is no laptop: the sandbox takes any card, and gives a token to whoever asks."""
    serious = [] if settings.oidc_issuer is None else ["OIDC_ISSUER"]
    serious += [] if is_loopback(settings.host) else [f"HOST={settings.host}"]
    serious += [variable for each in classes for variable in Environment(each).given()]
    if serious:
        yield (
            f"SANDBOX: is not on by itself where {', '.join(dict.fromkeys(serious))} is given: "
            "say SANDBOX=off, or SANDBOX=on for the sandbox all the same"
        )


def is_loopback(host: str) -> bool:
    """Is it reached from this machine alone?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
