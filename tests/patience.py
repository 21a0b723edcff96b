"""How long a provider is waited for, in seconds."""

PATIENT = 20.0
"""So that a busy machine is not taken for a silent provider. Nothing lasts so long that goes well."""

BRIEF = 4.0
"""For tests that wait for the end of a provider's silence, `SILENCE` seconds long."""

SILENCE = 30.0
