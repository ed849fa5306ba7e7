"""Addresses that lead inside, in every spelling: what merchants type, providers answer and redirects name."""

from __future__ import annotations

import itertools
import random

OUTSIDE = "93.184.216.34"
INSIDE_NAMES = (
    "localhost", "localhost.localdomain", "ip6-localhost", "metadata.google.internal", "169.254.169.254",
    "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "10.0.0.1", "192.168.1.1", "172.16.0.1",
    "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[fe80::1]", "[fe80::1%25eth0]", "[fec0::1]", "[fd00::1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "224.0.0.1", "192.0.0.8", "255.255.255.255", "127.0.0.1.nip.io", "localtest.me", "LOCALHOST", "localhost.",
    "127.0.0.1.", "127.255.255.254", "0x7f.1", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "0xa9.254.0xa9.254",
    "169.254.43518", "0x0a000001", "167772161", "012.0.0.1", "0xc0a80101", "3232235777", "0300.0250.1.1", "198.18.0.1",
    "203.0.113.1", "192.0.2.1", "192.88.99.1", "240.0.0.1", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
    "[::127.0.0.1]", "[64:ff9b:1::1]", "[2001:0:53aa:64c:0:0:80ff:fffe]", "[2001:db8::1]", "[3fff::1]", "[fc00::1]",
    "[ff02::1]", "[100::1]", "[::ffff:0:127.0.0.1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "⑯⑨.254.169.254",
    "169。254。169。254", "１０.0.0.1", "kubernetes.default.svc", "host.docker.internal", "instance-data", "vcap.me",
)  # fmt: skip
"""Hosts inside, as numbers and as names; the stub of the tests answers every name with an address inside."""
FORMS = (
    "https://{}/x", "https://{}:443/x", "https://{}:22/x", "https://user@{}/x", "https://user:pw@{}/x",
    "https://sis05.phcgo.net@{}/x", "https://{}#.phcgo.net/x", "https://{}?.phcgo.net/x", "https://{}\\.phcgo.net/x",
    "https:\\\\{}\\x", "HTTPS://{}/x", " https://{}/x", "https://{}/\t", "http://{}/x", "//{}/x", "{}/x",
)  # fmt: skip


def spellings(most: int) -> list[str]:
    """Return that many different addresses inside, mixed by a fixed order."""
    found = [form.format(name) for name, form in itertools.product(INSIDE_NAMES, FORMS)]
    random.Random(20261130).shuffle(found)
    return sorted(set(found[:most]))


PRIVATE = (
    "127.0.0.1", "10.0.0.7", "192.168.0.1", "172.20.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "192.0.0.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "fec0::1", "fd00::1",
    "3fff::1", "198.18.0.1",
)  # fmt: skip


def schedules() -> list[list[list[str]]]:
    """Return what a name is answered at each look-up: public first and private then, mixed, or by chance."""
    chance = random.Random(20261120)
    kinds = [[OUTSIDE], [], ["151.101.1.1", OUTSIDE], ["2606:2800:220:1::1"]]

    def drawn() -> list[list[str]]:
        inside = [
            [chance.choice(PRIVATE)],
            [OUTSIDE, chance.choice(PRIVATE)],
            [chance.choice(PRIVATE), OUTSIDE],
        ]
        return [chance.choice([*kinds, *inside]) for _ in range(40)]

    return [
        *([[OUTSIDE], *([[inside]] * 39)] for inside in PRIVATE),
        *([[OUTSIDE], [OUTSIDE, inside], *([[inside, OUTSIDE]] * 38)] for inside in PRIVATE),
        *(drawn() for _ in range(40)),
    ]
