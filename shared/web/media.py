"""What a `Content-Type` says."""


def media_type(content_type: str) -> tuple[str, bool]:
    """The type in lower case, and whether its text is UTF-8; other parameters change nothing (RFC 8259 §11)."""
    named, *parameters = (part.strip().lower() for part in content_type.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = {value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"}
    return named, charsets <= {"utf-8", "utf8"}
