"""How long a provider is waited for, in seconds."""

PATIENT = 20.0
"""So that a busy machine is not taken for a silent provider. Nothing lasts so long that goes well."""

BRIEF = 4.0
"""For tests that wait for the end of a provider's silence, `SILENCE` seconds long."""

SILENCE = 30.0

STARTED = 180.0
"""For a process or a stack that starts: what has ended instead is noticed at once."""

PLAYED = 280.0
"""For a demonstration as a whole: on any machine, what takes half a minute."""

READS = dict.fromkeys(
    ("CART_OFFERS_TIMEOUT_SECONDS", "CHECKOUT_CART_TIMEOUT_SECONDS", "OFFERS_SABRE_TIMEOUT_SECONDS"), str(PATIENT)
)
"""Reads that somebody waits for: on a busy machine they are slow, and nobody tests that they are silent."""
