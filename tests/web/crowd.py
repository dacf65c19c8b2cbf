"""Many clients on many meters over HTTP: every account ends as its own client's calls say.

`python -m tests.web.crowd [CLIENTS [METERS [ROUNDS]]]`. Each client has meters of its own, which it
tops up, and reads those of others. So one call that reached a wrong meter shows in a balance.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from decimal import Decimal

from budgetmeter.client.web import Web

from tests.emulate.process import Emulated
from tests.emulate.soak import resident

RESERVE = 15  # EUR in each meter at its start
FIRST = 100_000_001


class Client(threading.Thread):
    """One of them.

    :ivar given: EUR it put into each meter
    :ivar trouble: what went wrong
    """

    def __init__(self, url, number, own, meters, rounds):
        super().__init__()
        self.url, self.own, self.meters, self.rounds = url, own, meters, rounds
        self.random = random.Random(number)
        self.given = Counter()
        self.calls = 0
        self.trouble = None

    def run(self):
        try:
            with Web(self.url, timeout=120) as web:
                for _ in range(self.rounds):
                    for number in self.own:
                        self._visit(web, number)
        except Exception as error:
            self.trouble = error

    def _visit(self, web, number):
        meter = web.meter(number)
        amount = self.random.randrange(1, 4)
        answer = meter.order("top-up", amount=f"{amount}.00")
        assert answer["taken"], answer
        self.given[number] += amount
        meter.press()
        assert meter.balance == RESERVE + self.given[number]
        other = web.meter(self.random.choice(self.meters))
        assert other.balance >= RESERVE
        assert other.events()[0]["event"] == "state-new"
        self.calls += 5


def crowd(clients, meters, rounds):
    """Calls a second, and KiB the process grew after a first round.

    :raises AssertionError: a call went wrong, or an account is not what its calls say
    """
    numbers = [*range(FIRST, FIRST + meters)]
    with Emulated("--count", meters, "--http", 0, "--watts", 0) as emulated:
        url = json.loads(emulated.process.stdout.readline())["http"]
        with Web(url) as web:
            web.speed(0)
        given = Counter()
        _act(url, clients, numbers, 1, given)
        before = resident(emulated.process.pid)
        begin = time.monotonic()
        calls = _act(url, clients, numbers, rounds, given)
        rate = calls / (time.monotonic() - begin)
        with Web(url) as web:
            seen = web.call("GET", "meters")["meters"]
            balances = {one["meter"]: Decimal(one["balance"]) for one in seen}
        assert balances == {n: RESERVE + given[n] for n in numbers}
        return rate, resident(emulated.process.pid) - before


def _act(url, clients, numbers, rounds, given):
    """Let the clients do their rounds, and add what they gave; how many calls they made."""
    crowd = []
    for i in range(clients):
        client = Client(url, i, numbers[i::clients], numbers, rounds)
        client.given.update({n: given[n] for n in client.own})
        crowd.append(client)
    for client in crowd:
        client.start()
    for client in crowd:
        client.join()
    troubles = [client.trouble for client in crowd if client.trouble is not None]
    assert not troubles, troubles[:3]
    for client in crowd:
        given.update({n: client.given[n] - given[n] for n in client.own})
    return sum(client.calls for client in crowd)


def main():
    asked = [int(word) for word in sys.argv[1:]]
    clients, meters, rounds = asked + [200, 1000, 5][len(asked) :]
    rate, grown = crowd(clients, meters, rounds)
    print(
        f"{clients} clients on {meters} meters, every account right: {rate:.0f} calls/s, "
        f"{grown} KiB grown"
    )
    assert grown < 50_000


if __name__ == "__main__":
    main()
