"""The money of a case, in cents: what is billed, what a procedure may cost, what is paid.

Each account belongs to one procedure (a chain of the rule file). A payment pays invoices first and
costs last, in the customer's favour; no source orders it otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from budgetmeter.casebook.facts import Fact
from budgetmeter.casebook.rulebook import AS_CHARGED, Chain, Rulebook, paid_off
from budgetmeter.casebook.terms import add_months

BILLED, COSTS, PAID, WAIVED = "billed", "costs", "paid", "waived"


@dataclass(frozen=True)
class Entry:
    """A line of the ledger.

    :ivar cents: what the customer owes more; less where it is negative
    :ivar part: billed, costs, paid or waived
    """

    day: date
    account: str
    part: str
    cents: int
    fact: str
    rule: str


@dataclass
class Account:
    """What an account stands at, in cents."""

    billed: int = 0
    costs: int = 0
    procedure: int = 0  # costs since the procedure began
    charged: list[tuple[date, int]] = field(default_factory=list)

    @property
    def owed(self) -> int:
        """All that the customer owes; negative: is to get back."""
        return self.billed + self.costs


class Ledger:
    """The entries of a case, and the facts that they make: an account is paid off.

    :param value: a number of the rule file on a day, in cents; None where it has none
    :param protected: whether the customer is protected on a day
    """

    def __init__(
        self,
        book: Rulebook,
        value: Callable[[str, date], int | None],
        protected: Callable[[date], bool],
    ) -> None:
        self.book, self.value, self.protected = book, value, protected
        self.entries: list[Entry] = []
        self.accounts: dict[str, Account] = {}
        self.in_court: set[str] = set()
        self.decision: Fact | None = None  # of the commission, on winter aid
        self.aid = self.fund = 0  # what a decision may cover, and what the fund paid of it
        self.chains = {chain.account: chain for chain in book.chains.values() if chain.account}

    def account(self, name: str) -> Account:
        """An account; a new one stands at nothing."""
        return self.accounts.setdefault(name, Account())

    def post_all(self, facts: Sequence[Fact]) -> list[Fact]:
        """Book facts in their order; answers them with the facts that the ledger makes."""
        made: list[Fact] = []
        for fact in facts:
            made.append(fact)
            made.extend(self._post(fact))
        return made

    def _post(self, fact: Fact) -> list[Fact]:
        step, kind = self.book.steps.get(fact.name), self.book.kinds.get(fact.name)
        ended: list[Fact] = []
        if step is not None and step.cost:
            account = self.book.chains[step.chain].account
            self._book(fact, account, COSTS, self.cost(step.name, fact), step.rule)
        if fact.name in ("judge-request", "petition-filed"):
            self.in_court.add(self.book.chain_of(fact.name))
        if kind is not None and kind.books:
            self._book(fact, kind.books, BILLED, fact.amount, kind.rule)
        if kind is not None and kind.pays:
            ended = self._pay(fact, kind.pays, fact.amount, PAID, kind.rule)
        if fact.name in ("aid-given", "aid-decision", "bad-faith"):
            ended += self._aid(fact)
        for chain in self.book.chains.values():
            if fact.name in chain.ends:
                self._end(chain)
        return ended

    def _aid(self, fact: Fact) -> list[Fact]:
        """Winter aid is given, or decided upon."""
        if fact.name == "bad-faith":
            self.decision = None
        elif fact.name == "aid-decision":
            self.decision = fact
        elif self.decision is None or fact.day <= self.decision.given.get("until", fact.day):
            self.aid += fact.amount
        return self._share(fact)

    def _share(self, fact: Fact) -> list[Fact]:
        """The fund pays all but the customer's share of winter aid, once the commission decided.

        The decision states a volume and an end, and counts for what was given before it too; what
        is above or later stays the customer's (WG-31). Manifest bad faith leaves him all (WG-32).
        """
        decision = self.decision
        if decision is None or decision.given.get("status") == "bad-faith":
            return []
        share = self.value("aid_customer_share", decision.day)
        if share is None:
            return []
        covered = min(self.aid, decision.given.get("amount", self.aid))
        fund = covered - -(-covered * share // 100)
        more, self.fund = fund - self.fund, max(fund, self.fund)
        return self._pay(fact, "aid", more, WAIVED, "WG-31") if more > 0 else []

    def cost(self, name: str, fact: Fact) -> int:
        """What a step may cost the customer, in cents.

        :param fact: the step as done or asked: its day, its way (`by`), its own `cost`
        """
        step = self.book.steps[name]
        chain = self.book.chains[step.chain]
        asked = int(fact.given.get("cost", 0))
        most = asked if step.cost == AS_CHARGED else self.value(step.cost, fact.day) or 0
        for reason, limit in (
            (self.protected(fact.day), "cost_when_protected"),
            (fact.given.get("by", "post") != "post", "cost_other_way"),
            (chain.name in self.in_court, "cost_in_court"),
        ):
            value = self.value(limit, fact.day) if reason else None
            most = most if value is None else min(most, value)
        most = min(most, int(fact.given.get("cost", most)))
        for cap, spent in self._caps(chain, fact.day):
            most = min(most, max(cap - spent, 0))
        return most

    def _caps(self, chain: Chain, day: date) -> list[tuple[int, int]]:
        """Caps of a chain and what is charged under each already."""
        found, account = [], self.account(chain.account)
        if chain.yearly_cap and (cap := self.value(chain.yearly_cap, day)) is not None:
            rolling = self.book.values["cap_year"].history[0].value == "rolling"
            since = add_months(day, -12) if rolling else date(day.year - 1, 12, 31)
            found.append((cap, sum(cents for at, cents in account.charged if since < at <= day)))
        if chain.cap and (cap := self.value(chain.cap, day)) is not None:
            found.append((cap, account.procedure))
        return found

    def _book(self, fact: Fact, name: str, part: str, cents: int, rule: str) -> None:
        account = self.account(name)
        if part == COSTS:
            account.costs += cents
            account.procedure += cents
            account.charged.append((fact.day, cents))
        else:
            account.billed += cents
        self.entries.append(Entry(fact.day, name, part, cents, fact.name, rule))

    def _pay(self, fact: Fact, name: str, cents: int, part: str, rule: str) -> list[Fact]:
        """Pay invoices, then costs; what is too much stays in credit."""
        account = self.account(name)
        chain = self.chains.get(name)
        owed = self._rest(account, chain)
        to_costs = min(max(cents - max(account.billed, 0), 0), account.costs)
        account.costs -= to_costs
        account.billed -= cents - to_costs
        self.entries.append(Entry(fact.day, name, part, -cents, fact.name, rule))
        if owed > 0 and self._rest(account, chain) <= 0:
            if chain is not None:
                self._end(chain)
            return [Fact(fact.day, paid_off(name), {}, fact.number)]
        return []

    def _rest(self, account: Account, chain: Chain | None) -> int:
        """What keeps the procedure of an account going."""
        return account.owed if chain is None or chain.all_paid else account.billed

    def _end(self, chain: Chain) -> None:
        self.in_court.discard(chain.name)
        self.account(chain.account).procedure = 0

    def owed(self, name: str) -> int:
        """What the customer owes on an account, in cents."""
        return self.account(name).owed
