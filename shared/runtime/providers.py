"""A provider's settings, and when the sandbox may stand in for them."""

from pydantic import HttpUrl

from shared.runtime.service import Runtime
from shared.runtime.settings import S, WrongSettings, read


def provider_settings(runtime: Runtime, provider: str, real: type[S], beside_sandbox: type[S]) -> S:
    """The settings of a provider, whose address is their field `url`, from the environment.

    Where the sandbox is on it stands in for a provider whose address is not given, with the defaults of
    `beside_sandbox`. A provider whose address is given gets credentials of its own or none: whatever has no default in
    `real` must be given then. Raises WrongSettings naming the variable that is missing or wrong.
    """
    if not runtime.settings.sandbox:
        return read(real)
    found = read(beside_sandbox)
    if "url" not in found.model_fields_set:
        return found.model_copy(update={"url": HttpUrl(runtime.provider_url(provider))})
    prefix = str(real.model_config.get("env_prefix") or "")
    for name, field in real.model_fields.items():
        if field.is_required() and name not in found.model_fields_set:
            raise WrongSettings(f"{prefix}{name.upper()}: Field required where {prefix}URL is given")
    return found
