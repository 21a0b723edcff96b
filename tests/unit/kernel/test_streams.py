"""How many may be open at once."""

import pytest

from shared.kernel.streams import OpenStreams, TooManyStreams


def test_a_caller_has_so_many_and_the_process_has_so_many() -> None:
    streams = OpenStreams(3, 2)
    streams.enter("coles")
    streams.enter("coles")
    with pytest.raises(TooManyStreams):
        streams.enter("coles")
    streams.enter("aldi")
    with pytest.raises(TooManyStreams):
        streams.enter("kmart")
    streams.leave("coles")
    streams.enter("kmart")


def test_a_place_is_free_again_however_it_ended() -> None:
    streams = OpenStreams(1, 1)
    with pytest.raises(KeyError), streams.one("coles"):
        raise KeyError
    with streams.one("coles"):
        with pytest.raises(TooManyStreams), streams.one("coles"):
            pytest.fail("there is no place for it")
        with pytest.raises(TooManyStreams):
            streams.enter("aldi")
    streams.enter("aldi")
