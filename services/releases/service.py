"""What the house must know of releases."""

from shared.runtime.description import Description

SERVICE = Description(
    name="releases",
    settings=(
        "services.releases.settings:ReleasesSettings",
        "services.releases.settings:PipelineSettings",
        "services.releases.settings:SlackSettings",
    ),
    public=("/v1/releases", "/v1/webhooks/chat"),
    answers_at="/v1/releases/policy",
    internal=True,
    scales_by="requests",
    files=(("RELEASES_POLICY", "release-policy.toml"), ("RELEASES_PEOPLE", "people.toml")),
)
