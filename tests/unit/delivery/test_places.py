"""Where webhooks go, and where never."""

from ipaddress import ip_network

import pytest

from services.delivery.domain.places import Forbidden, Places

STRICT = Places()
LAPTOP = Places((ip_network("127.0.0.0/8"), ip_network("::1/128")), http=True, ports=True)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254"),
        *("100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.2.1"),
        *("198.18.0.1", "192.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1"),
        *("::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::"),
        *("2001::1", "2001:db8::1", "fec0::1", "::8.8.8.8", "nonsense", ""),
    ],
)
def test_addresses_that_no_webhook_goes_to(address: str) -> None:
    assert not STRICT.allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "100.128.0.1", "2606:4700:4700::1111"])
def test_addresses_of_the_internet(address: str) -> None:
    assert STRICT.allows(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://bi.example/hook", "https://bi.example:8443/hook", "https://10.0.0.1/", "https://8.8.8.8/"),
        *("https://user@bi.example/", "https://user:word@bi.example/", "https://@bi.example/", "https:///hook"),
        *("https://[::1]/", "https://[2606:4700::1]/", "https://2130706433/", "https://0x7f000001/", "https://127.1/"),
        *("https://0x7f.1/", "ftp://bi.example/", "//bi.example/", "bi.example", "", "https://bi.example:0x/"),
        *(
            "https://bi.example/#part",
            "https://127.0.0.1./",
            "file:///etc/passwd",
            "https://[::1",
            "https://1.2.3.0x4/",
        ),
    ],
)
def test_urls_that_no_webhook_has(url: str) -> None:
    with pytest.raises(Forbidden):
        STRICT.check(url)


@pytest.mark.parametrize(
    "url", ["https://bi.example/hook", "https://bi.example:443/hook?x=1", "https://8ball.example/"]
)
def test_urls_that_a_webhook_may_have(url: str) -> None:
    STRICT.check(url)


def test_a_laptop_reaches_itself_and_still_no_other_network() -> None:
    for url in ("http://127.0.0.1:8000/hook", "https://localhost/", "http://[::1]:7/"):
        LAPTOP.check(url)
    assert LAPTOP.allows("127.0.0.1")
    assert LAPTOP.allows("::1")
    assert not LAPTOP.allows("10.0.0.1")
    with pytest.raises(Forbidden):
        LAPTOP.check("http://10.0.0.1/")
