"""The settings of releases, from the environment."""

import binascii
import hmac
from base64 import b64decode
from pathlib import Path
from typing import Final, Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.releases.domain.files import WrongFile, rules_of
from services.releases.domain.policy import Rules
from shared.ledgerlog.notes import Signer
from shared.runtime.providers import Provider, provider_settings
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings, WrongSettings

SLACK_URL: Final = HttpUrl("https://slack.com")
SEED: Final = 32
PURPOSE: Final = b"milesaga releases signing key"
ON_A_LAPTOP: Final = Path(__file__).parent / "laptop"
"""Policy and people of somebody who tries it out."""


class ReleasesSettings(Settings):
    """By which files is decided, and who vouches for the log. All from `RELEASES_...` variables."""

    model_config = SettingsConfigDict(env_prefix="RELEASES_")

    policy: Path | None = Field()
    """The file of the policy, TOML. Beside the sandbox that of the examples, where it is not given."""
    people: Path | None = Field()
    """The file of the people, TOML. Beside the sandbox that of the examples, where it is not given."""
    signing_key: SecretStr | None = Field(min_length=1)
    """Of grants and checkpoints: the 32 bytes of an Ed25519 key in base64. Beside the sandbox it is made of the
    internal token, where it is not given."""
    log_origin: str = Field(default="milesaga.example/releases", pattern=r"^[A-Za-z0-9][A-Za-z0-9./:_-]{0,199}$")
    """The log's name in its checkpoints, for good: a host of yours and a path."""
    anchor_dir: Path | None = None
    """A folder in which every checkpoint is kept, too: a work tree of git, or one in which nothing is written twice."""

    @field_validator("signing_key")
    @classmethod
    def _is_a_key(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and len(_decoded(given.get_secret_value())) != SEED:
            raise ValueError("must be the 32 bytes of an Ed25519 key in base64")
        return given

    @model_validator(mode="after")
    def _files_say_what_could_hold(self) -> Self:
        try:
            self.rules()
        except WrongSettings as error:
            raise ValueError(str(error)) from error
        return self

    def rules(self) -> Rules:
        """What the files say. Raises WrongSettings that names the variable and the line."""
        files = {
            "policy": self.policy or ON_A_LAPTOP / "release-policy.toml",
            "people": self.people or ON_A_LAPTOP / "people.toml",
        }
        contents = {}
        for which, path in files.items():
            try:
                contents[which] = path.read_bytes()
            except OSError as error:
                raise WrongSettings(f"RELEASES_{which.upper()}: {path} cannot be read ({error.strerror})") from error
        try:
            return rules_of(contents["policy"], contents["people"])
        except WrongFile as error:
            raise WrongSettings(f"RELEASES_{error.which.upper()}: {files[error.which]}, {error}") from error

    def signer(self, internal_token: str) -> Signer:
        """Who signs under the log's name. Without a key it is made of what all processes share, and nobody else has."""
        if self.signing_key is not None:
            return Signer(self.log_origin, _decoded(self.signing_key.get_secret_value()))
        return Signer(self.log_origin, hmac.digest(internal_token.encode(), PURPOSE, "sha256"))


class SandboxReleasesSettings(ReleasesSettings):
    """Beside the sandbox everybody of the examples may do what the examples do."""

    policy: Path | None = None
    people: Path | None = None
    signing_key: SecretStr | None = Field(default=None, min_length=1)


class PipelineSettings(Settings):
    """Continuous integration, whose robots show whom they act for. Without an issuer no robot can."""

    model_config = SettingsConfigDict(env_prefix="RELEASES_CI_")

    issuer: HttpUrl | None = None
    """Issuer of its identity tokens, such as `https://token.actions.githubusercontent.com`; beside the sandbox the
    sandbox's, where it is not given."""
    audience: str = Field(default="milesaga", min_length=1, max_length=255)
    """For whom the tokens must be: what the job asks for."""
    claim: str = Field(default="actor", min_length=1, max_length=64)
    """What in a token is the person's login: `actor` at GitHub, `user_login` at GitLab."""


class SandboxPipelineSettings(PipelineSettings):
    """The sandbox's issuer plays continuous integration; its tokens know the person by `sub`."""

    claim: str = Field(default="sub", min_length=1, max_length=64)


class SlackSettings(Provider):
    """The chat. Without a token there is none, and people decide by command line and HTTP."""

    model_config = SettingsConfigDict(env_prefix="RELEASES_SLACK_")

    url: HttpUrl = SLACK_URL
    """Base URL of Slack's web API."""
    bot_token: SecretStr | None = Field(default=None, min_length=1)
    """The app's token, `xoxb-...`, with the rights `chat:write`, `channels:history` and `metadata.message:read`. With
    it all of the following must be given."""
    signing_secret: SecretStr | None = Field(default=None, min_length=1)
    """By which Slack signs its callbacks."""
    app_id: str = ""
    """Our app, `A...`: another one's callbacks are refused."""
    team_id: str = ""
    """Our workspace, `T...`."""
    channel: str = ""
    """Where people are asked, `C...`."""
    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long one request may take."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = (self.signing_secret, self.app_id, self.team_id, self.channel)
        if self.bot_token is not None and not all(given):
            raise ValueError("beside a bot token signing secret, app id, team id and channel must be given")
        return self


class SandboxSlackSettings(SlackSettings):
    """The sandbox's workspace."""

    bot_token: SecretStr | None = Field(default=SecretStr("xoxb-sandbox"), min_length=1)
    signing_secret: SecretStr | None = Field(default=SecretStr("sandbox-signing-secret"), min_length=1)
    app_id: str = "A0SANDBOX"
    team_id: str = "T0SANDBOX"
    channel: str = "C0RELEASES"
    calls_per_second: float = Field(default=1000.0, gt=0, le=10_000)
    breaker_seconds: float = Field(default=1.0, gt=0, le=900)


def slack(runtime: Runtime) -> SlackSettings:
    """From the environment. Raises WrongSettings naming the variable that is missing or wrong."""
    return provider_settings(runtime, "slack", SlackSettings, SandboxSlackSettings)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
