"""Tokens: each its own answer, spent once, the lock-out, keys, and the swap on commit."""

import unittest

from meterfw import layouts
from meterfw.tokens import crypto
from meterfw.tokens.memory import NEW, TOO_OLD, USED, TokenMemory, Window

from tests.firmware.support import (
    EUR,
    Kind,
    LogCode,
    Message,
    PaymentMode,
    Result,
    TokenReason,
    TokenStatus,
    clock,
    conserved,
    fields,
    mc,
    profile,
    rule,
)
from tests.firmware.unit.bench import METER, VENDING_KEY, Bench, executed, profile_file, typed

DONE = (TokenStatus.EXECUTED, TokenReason.NONE)


def whole(meter):
    """Everything a token can change."""
    return fields(meter.state), meter.memory.pack()


def forged(bench):
    return forged_of(bench.office.token(Kind.TOP_UP, EUR))


def forged_of(token):
    return token[:-1] + bytes([token[-1] ^ 1])


class Numbers(unittest.TestCase):
    def test_the_window_reaches_256_numbers_back_and_forgets_what_is_older(self):
        window = Window()
        window.take(1000)
        assert [window.state(number) for number in (744, 745, 999, 1000, 1001)] == [
            TOO_OLD,
            NEW,
            NEW,
            USED,
            NEW,
        ]
        window.take(745)
        assert window.state(745) == USED
        window.take(1003)
        assert window.state(747) == TOO_OLD
        assert window.state(1000) == USED
        assert [window.state(number) for number in (748, 999, 1001, 1002)] == [NEW] * 4
        window.take(2**30 - 1)
        assert window.state(1003) == TOO_OLD
        assert window.state(2**30 - 256) == NEW


class Memory(unittest.TestCase):
    def test_each_order_that_came_too_late_has_a_bit_of_its_own(self):
        highest = layouts.WINDOW + 1
        for age in range(layouts.WINDOW):
            memory = TokenMemory()
            memory.take_order(highest, False)
            memory.take_order(highest - age, True)
            late = memory.superseded
            assert [i for i in range(layouts.WINDOW) if late[i >> 3] >> (i & 7) & 1] == [age]

    def test_a_copy_is_equal_in_all_that_is_stored(self):
        memory, other = TokenMemory(), TokenMemory()
        other.key_revision, other.key = 7, bytes(range(layouts.KEY_SIZE))
        other.lock_level, other.lost, other.profile_crc, other.priced = 3, 1, 77, 99
        other.numbers.take(5)
        other.take_order(9, True)
        other.raise_rank(0, 4)
        assert memory.pack() != other.pack()
        memory.copy(other)
        assert memory.pack() == other.pack()


class Answers(unittest.TestCase):
    def test_what_is_no_token_has_no_number(self):
        bench = Bench()
        bench.enter(bench.office.token(Kind.TOP_UP, EUR))
        assert bench.meter.gateway.number > 0
        bench.enter(b"junk")
        assert bench.meter.gateway.number == 0

    def test_a_refused_order_is_not_spent_and_may_come_again(self):
        """OC-20: refused while off; the same token is taken after a top-up."""
        bench = Bench(clock=clock("2020-12-08 12:00"))
        bench.enter(bench.office.token(Kind.EMERGENCY_PRESET, 0))
        bench.enter(bench.office.token(Kind.DISCONNECT, 1))
        bench.state.credit = 0
        bench.meter.commit()
        token = bench.office.token(Kind.LIMITER_ENABLE, order_id=4)
        refused = (TokenStatus.EXECUTION_FAILURE, TokenReason.RESULT + Result.NEEDS_CREDIT)
        before = whole(bench.meter)
        assert bench.enter(token) == refused
        assert whole(bench.meter) == before
        assert bench.enter(bench.office.token(Kind.TOP_UP, mc("0.50"))) == DONE
        assert bench.enter(token) == DONE

    def test_every_refusal_leaves_everything_as_it_was(self):
        bench = Bench()
        office = bench.office
        good = office.token(Kind.TOP_UP, EUR)
        bench.enter(good)
        before = whole(bench.meter)
        wrong_tag = good[:-1] + bytes([good[-1] ^ 1])
        for token in (good, wrong_tag, good[:-1], b"", b"\x02" + good[1:], b"\xff" * 38):
            assert not executed(bench.enter(token, port=False))
            assert whole(bench.meter) == before

    @rule("OC-12", "AMB-22")
    def test_an_order_takes_effect_once_whatever_carries_it(self):
        """Card and network race: two numbers, one order."""
        bench = Bench()
        card = bench.office.token(Kind.TOP_UP, 20 * EUR, order_id=77)
        network = bench.office.token(Kind.TOP_UP, 20 * EUR, order_id=77)
        assert bench.enter(network) == DONE
        assert bench.enter(card) == (
            TokenStatus.EXECUTED,
            TokenReason.RESULT + Result.NO_EFFECT,
        )
        assert bench.state.credit == mc(35)

    @rule("AMB-08")
    def test_tokens_of_one_card_are_one_commit(self):
        bench = Bench()
        names = bench.stores()
        tokens = [bench.office.token(Kind.TOP_UP, EUR) for _ in range(5)]
        assert bench.meter.till.enter_all(tokens) == [DONE] * 5
        assert len(names) == 1
        assert bench.state.credit == mc(20)

    def test_a_failed_commit_changes_nothing_and_says_so(self):
        bench = Bench()
        plain = bench.board.store

        def full(name, data):
            raise OSError(28)

        token = bench.office.token(Kind.TOP_UP, EUR, order_id=3)
        before = whole(bench.meter)
        bench.board.store = full
        assert bench.enter(token) == (TokenStatus.EXECUTION_FAILURE, TokenReason.COMMIT_FAILED)
        assert whole(bench.meter) == before
        bench.board.store = plain
        assert bench.enter(token) == DONE
        assert bench.state.credit == mc(16)

    def test_a_restart_remembers_what_was_taken(self):
        bench = Bench()
        token = bench.office.token(Kind.TOP_UP, EUR)
        assert bench.enter(token) == DONE
        bench.restart()
        assert bench.enter(token) == (TokenStatus.VALIDATION_FAILURE, TokenReason.USED)
        assert bench.state.credit == mc(16)
        assert conserved(bench.state)

    @rule("OC-09", "OC-10", "OC-11")
    def test_deactivation_and_reactivation_by_token(self):
        bench = Bench()
        assert bench.enter(bench.office.token(Kind.PAYMENT_MODE, PaymentMode.CREDIT)) == DONE
        refused = bench.enter(bench.office.token(Kind.TOP_UP, EUR))
        assert refused[1] == TokenReason.RESULT + Result.WRONG_MODE
        assert bench.enter(bench.office.token(Kind.PAYMENT_MODE, PaymentMode.PREPAYMENT, 1)) == DONE
        assert bench.state.limiter_available == 1
        assert conserved(bench.state)

    def test_a_price_with_its_time(self):
        bench = Bench()
        later = bench.state.clock + 1
        assert bench.enter(bench.office.token(Kind.PRICE, 30_000, later)) == DONE
        assert bench.state.price == 25_000
        bench.wait(60)
        assert bench.state.price == 30_000

    @rule("FE-23")
    def test_one_profile_value_by_token(self):
        bench = Bench("flanders-2003")
        index = layouts.PROFILE_FIELDS.index("topup_share_pct")
        assert bench.enter(bench.office.token(Kind.PARAMETER, index, 20)) == DONE
        bench.state.arrears = mc(100)
        bench.enter(bench.office.token(Kind.TOP_UP, mc(10)))
        assert bench.state.arrears == mc(98)
        bench.restart()
        assert bench.meter.profile.topup_share_pct == 20

    def test_profile_values_that_no_token_sets(self):
        for field, value in [
            ("energy", 1),
            ("payment_mode", 1),
            ("topup_share_pct", 101),
            ("limit_w", 0),
            ("limiter_fitted", 0),
            ("leak_test_s", 5),
            ("winter_to", 0),
            ("emergency_wh", 5),
        ]:
            with self.subTest(field=field, value=value):
                bench = Bench("flanders-digital")
                before = whole(bench.meter)
                index = layouts.PROFILE_FIELDS.index(field)
                answer = bench.enter(bench.office.token(Kind.PARAMETER, index, value))
                assert answer[1] == TokenReason.RESULT + Result.OUT_OF_RANGE
                assert bench.enter(bench.office.token(Kind.PARAMETER, 99, 1))[1] == answer[1]
                assert whole(bench.meter) == before
                assert bench.meter.profile.limit_w == 2300

    def test_a_limit_set_by_parameter_is_in_force(self):
        bench = Bench("flanders-2003")
        index = layouts.PROFILE_FIELDS.index("limit_w")
        bench.enter(bench.office.token(Kind.PARAMETER, index, 2300))
        assert bench.state.limit_w == 2300

    def test_a_test_token_changes_nothing_but_is_spent(self):
        bench = Bench()
        before = fields(bench.state)
        token = bench.office.token(Kind.TEST)
        assert bench.enter(token) == DONE
        assert fields(bench.state) == before
        assert bench.board.beeps == 2
        assert bench.enter(token)[1] == TokenReason.USED


class Keys(unittest.TestCase):
    def test_a_key_change_outlives_a_restart_and_kills_the_old_key(self):
        bench = Bench()
        before = bench.office.token(Kind.TOP_UP, EUR)
        change = bench.office.change_key(bytes(range(50, 82)))
        assert bench.enter(change) == DONE
        bench.restart()
        assert bench.enter(before)[1] == TokenReason.KEY_REVISION
        assert bench.enter(change)[1] == TokenReason.KEY_REVISION
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR)) == DONE

    def test_the_new_key_is_bound_to_its_token(self):
        """The wrapped key moved into another token's bytes does not even pass the tag."""
        bench = Bench()
        one = Bench()
        change = one.office.change_key(bytes(range(50, 82)))
        assert change[28:60] != bytes(range(50, 82))
        other = bench.office.reissue(9, Kind.KEY_CHANGE, 2, new_key=bytes(range(50, 82)))
        assert other[28:60] != change[28:60]
        spliced = other[:28] + change[28:60] + other[60:]
        assert bench.enter(spliced)[1] == TokenReason.TAG

    def test_a_failed_key_file_changes_nothing(self):
        bench = Bench()
        plain = bench.board.store
        token = bench.office.change_key(bytes(32))

        def no_key(name, data):
            if name == "key":
                raise OSError(28)
            plain(name, data)

        bench.board.store = no_key
        before = whole(bench.meter)
        assert bench.enter(token)[1] == TokenReason.RESULT + Result.NOT_STORED
        assert whole(bench.meter) == before
        bench.board.store = plain
        bench.restart()
        assert bench.enter(token) == DONE

    def test_a_cut_between_key_file_and_commit_leaves_the_old_key_in_force(self):
        bench = Bench()
        plain = bench.board.store
        token = bench.office.change_key(bytes(32))

        def no_record(name, data):
            if name.startswith("store"):
                raise OSError(28)
            plain(name, data)

        bench.board.store = no_record
        assert bench.enter(token)[1] == TokenReason.COMMIT_FAILED
        bench.board.store = plain
        bench.restart()
        assert bench.meter.memory.key_revision == 1
        assert bench.enter(token) == DONE  # the same change again, not refused as old

    def test_a_meter_whose_memory_is_lost_takes_only_a_newer_key(self):
        bench = Bench()
        office = bench.office
        spent = office.token(Kind.TOP_UP, 20 * EUR, order_id=1)
        old_change = office.change_key(bytes(range(1, 33)), 2)
        bench.enter(spent)
        bench.enter(old_change)
        bench.enter(office.token(Kind.TOP_UP, EUR, order_id=2))
        bench.lose_store()
        bench.restart()
        m = bench.state
        assert (m.credit, m.credited_eur) == (0, 0)  # nothing is invented
        assert bench.meter.memory.lost == 1
        assert bench.ask(Message.STATUS).memory_lost == 1
        credit = office.token(Kind.TOP_UP, 5 * EUR, order_id=3)
        assert bench.enter(credit)[1] == TokenReason.MEMORY_LOST
        assert bench.enter(old_change)[1] == TokenReason.KEY_REVISION
        again = office.reissue(50, Kind.KEY_CHANGE, 2, new_key=bytes(32))
        assert bench.enter(again)[1] == TokenReason.OLD_REVISION
        bench.restart()  # and a restart does not forget that
        assert bench.enter(office.token(Kind.TEST))[1] == TokenReason.MEMORY_LOST
        office.number = 60
        change = office.token(Kind.KEY_CHANGE, 3, order_id=3, new_key=bytes(range(7, 39)))
        assert bench.enter(change) == DONE
        office.key, office.revision = bytes(range(7, 39)), 3
        # numbers and orders up to the key change are closed: what they carried may have been taken
        assert bench.enter(office.reissue(60, Kind.TOP_UP, EUR))[1] == TokenReason.USED
        for order_id in (1, 2, 3):
            repeated = bench.enter(office.token(Kind.TOP_UP, EUR, order_id=order_id))
            assert repeated[1] == TokenReason.RESULT + Result.NO_EFFECT
        assert bench.enter(office.token(Kind.TOP_UP, 5 * EUR, order_id=4)) == DONE
        assert bench.state.credit == mc(5)
        assert conserved(bench.state)

    def test_a_lost_store_and_key_file_fall_back_to_the_flashed_key(self):
        bench = Bench()
        bench.enter(bench.office.change_key(bytes(range(1, 33)), 2))
        bench.lose_store()
        bench.board.files["key"] = b"damaged"
        bench.restart()
        assert bench.meter.memory.key_revision == 1
        assert bench.meter.memory.lost == 1


def told(events):
    """A log's numbers and fields, to compare."""
    return [(number, entry.__dict__) for number, entry in events]


class LockOut(unittest.TestCase):
    def test_five_wrong_tags_are_free_then_the_delay_doubles_to_an_hour(self):
        bench = Bench()
        names = bench.stores()
        for _ in range(4):
            assert bench.enter(forged(bench))[1] == TokenReason.TAG
        assert names == []  # typing wears no flash
        for delay in (60, 120, 240, 480, 960, 1920, 3600, 3600):
            assert bench.enter(forged(bench))[1] == TokenReason.TAG
            assert bench.ask(Message.STATUS).locked_s == delay
            assert bench.enter(forged(bench))[1] == TokenReason.LOCKED
            bench.wait(delay - 1)
            assert bench.enter(forged(bench))[1] == TokenReason.LOCKED
            bench.wait(1)
        log = bench.meter.log
        codes = [entry[2] for _, entry in log.numbered()]
        assert codes.count(LogCode.LOCKED_OUT) == 8
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR)) == DONE
        for _ in range(4):  # and five are free again
            assert bench.enter(forged(bench))[1] == TokenReason.TAG
        assert bench.meter.gateway.locked_ms == 0

    def test_a_restart_leaves_one_wrong_tag_without_a_delay_and_not_five(self):
        bench = Bench()
        bench.restart()
        assert bench.enter(forged(bench))[1] == TokenReason.TAG
        assert bench.ask(Message.STATUS).locked_s == 60

    def test_a_restart_begins_the_delay_of_the_level_again(self):
        bench = Bench()
        for _ in range(5):
            bench.enter(forged(bench))
        bench.wait(60)
        bench.enter(forged(bench))
        bench.wait(119)
        bench.restart()
        assert bench.ask(Message.STATUS).locked_s == 120
        bench.wait(120)
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR)) == DONE

    def test_a_genuine_token_ends_the_lock_out(self):
        bench = Bench()
        for _ in range(5):
            bench.enter(forged(bench))
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR)) == DONE
        assert bench.ask(Message.STATUS).locked_s == 0
        assert bench.meter.memory.lock_level == 0
        bench.restart()
        assert bench.ask(Message.STATUS).locked_s == 0

    def test_a_genuine_token_that_cannot_be_stored_leaves_the_lock_out(self):
        bench = Bench()
        for _ in range(5):
            bench.enter(forged(bench))
        plain = bench.board.store

        def full(name, data):
            raise OSError(28)

        bench.board.store = full
        token = bench.office.token(Kind.TOP_UP, EUR)
        assert bench.enter(token)[1] == TokenReason.COMMIT_FAILED
        bench.board.store = plain
        assert bench.ask(Message.STATUS).locked_s == 60
        assert bench.meter.memory.lock_level == 1
        bench.wait(1)
        assert bench.enter(token) == DONE

    def test_while_locked_out_one_tag_is_computed_a_second(self):
        bench = Bench()
        for _ in range(5):
            bench.enter(forged(bench))
        good = bench.office.token(Kind.TOP_UP, EUR)
        computed = []
        plain = crypto.hmac
        crypto.hmac = lambda key, data: computed.append(1) or plain(key, data)
        try:
            for second in range(1, 40):
                for _ in range(25):
                    assert bench.enter(forged_of(good))[1] == TokenReason.LOCKED
                assert len(computed) == second
                if second < 39:
                    bench.wait(1)
            assert bench.enter(good)[1] == TokenReason.LOCKED  # this second has had its try
            bench.board.elapsed_ms = lambda: 999
            bench.meter.poll()
            assert bench.enter(good)[1] == TokenReason.LOCKED
            bench.board.elapsed_ms = lambda: 1
            bench.meter.poll()
            assert bench.enter(good) == DONE
            assert len(computed) == 40
        finally:
            crypto.hmac = plain

    def test_a_thousand_wrong_tags_leave_no_trace_while_locked_out(self):
        bench = Bench()
        for _ in range(5):
            bench.enter(forged(bench))
        bench.wait(60)
        bench.enter(forged(bench))  # two minutes
        names = bench.stores()
        before = bench.events()
        kept = bytes(bench.meter.memory.pack())
        for i in range(1000):
            assert bench.enter(forged(bench)) == (
                TokenStatus.AUTHENTICATION_FAILURE,
                TokenReason.LOCKED,
            )
            if i % 10 == 0:
                bench.wait(1)
        assert names == []
        assert told(bench.events()) == told(before)
        assert bytes(bench.meter.memory.pack()) == kept
        assert bench.ask(Message.STATUS).locked_s == 20

    def test_a_customer_gets_in_however_long_somebody_guesses(self):
        """81 wrong tags in 72 hours kept a genuine token out nearly all the time."""
        bench = Bench()
        refused = 0
        for _ in range(72):
            for _ in range(2):
                bench.enter(forged(bench))
            bench.wait(1800)
            bench.enter(forged(bench))
            bench.wait(1)
            refused += bench.enter(bench.office.token(Kind.TEST)) != DONE
            for _ in range(5):
                bench.enter(forged(bench))
            bench.wait(1799)
        assert refused == 0

    def test_the_console_says_how_long_the_lock_out_lasts(self):
        bench = Bench()
        wrong = forged(bench)
        for _ in range(5):
            bench.enter(wrong)
        bench.wait(7)
        lines = bench.type("token " + typed(wrong))
        assert "locked 53 s" in lines
        assert lines[-1] == "error refused, reason 18"
        assert "locked 53 s" in bench.type("status")

    def test_only_wrong_tags_count(self):
        bench = Bench()
        good = bench.office.token(Kind.TEST)
        bench.enter(good)
        other = Bench()
        other.office.meter = METER + 1
        for token in (good, b"", b"\x02" + good[1:], other.office.token(Kind.TEST)):
            for _ in range(10):
                bench.enter(token)
        assert bench.meter.gateway.locked_ms == 0

    def test_a_card_is_never_locked_out_and_locks_nobody(self):
        bench = Bench()
        for _ in range(20):
            assert bench.enter(forged(bench), port=False)[1] == TokenReason.TAG
        assert bench.meter.gateway.locked_ms == 0
        for _ in range(5):
            bench.enter(forged(bench))
        assert bench.enter(bench.office.token(Kind.TOP_UP, EUR), port=False) == DONE


class Work(unittest.TestCase):
    def test_the_work_does_not_depend_on_what_came_before(self):
        """HMAC calls for a token: the same at number 1 and at number 1,000,000."""
        bench = Bench()
        numbers = (1, 2, 300, 1_000_000, 1_000_001, 2**30 - 1)
        tokens = [bench.office.reissue(number, Kind.TEST) for number in numbers]
        calls = []
        plain = crypto.hmac
        crypto.hmac = lambda key, data: calls.append(1) or plain(key, data)
        try:
            for count, token in enumerate(tokens, 1):
                assert bench.enter(token) == DONE
                assert len(calls) == count
        finally:
            crypto.hmac = plain

    def test_comparison_looks_at_every_byte(self):
        class Counted:
            seen = 0

            def __len__(self):
                return 10

            def __getitem__(self, i):
                Counted.seen += 1
                return 0

        for other in (b"\0" * 10, b"\1" + b"\0" * 9, b"\0" * 9 + b"\1"):
            Counted.seen = 0
            assert crypto.equal(Counted(), other) == (other == bytes(10))
            assert Counted.seen == 10
        assert not crypto.equal(b"a", b"ab")

    def test_the_vending_key_is_not_in_the_meter(self):
        bench = Bench()
        assert all(VENDING_KEY not in bytes(data) for data in bench.board.files.values())

    def test_a_new_profile_file_is_taken_over_and_the_account_goes_on(self):
        bench = Bench()
        bench.enter(bench.office.token(Kind.TOP_UP, EUR))
        bench.board.files["profile"] = profile_file(profile("wallonia-digital"))
        bench.restart()
        assert bench.meter.profile.emergency_auto == 1
        assert bench.state.credit == mc(16)
        assert bench.meter.memory.numbers.highest == 1
