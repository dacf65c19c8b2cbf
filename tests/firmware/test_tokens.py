"""The memory of what has been taken: any numbers in any order, and read back by construct."""

from hypothesis import given, settings
from hypothesis import strategies as st
from meterfw.tokens.memory import NEW, TOO_OLD, USED, TokenMemory, Window
from meterproto import stored


@settings(max_examples=300)
@given(
    st.lists(st.one_of(st.integers(1, 600), st.sampled_from([1, 256, 257, 2**30 - 1])), max_size=60)
)
def test_the_window_takes_each_number_once_in_any_order(numbers):
    window, taken = Window(), set()
    for number in numbers:
        highest = max(taken, default=0)
        expected = NEW
        if number <= highest - 256:
            expected = TOO_OLD
        elif number in taken:
            expected = USED
        assert window.state(number) == expected
        if expected == NEW:
            window.take(number)
            taken.add(number)
    for number in range(max(max(taken, default=0) - 300, 1), max(taken, default=0) + 3):
        assert (window.state(number) == NEW) == (
            number not in taken and number > max(taken, default=0) - 256
        )


@given(st.integers(1, 2**30 - 1), st.integers(1, 2**30 - 1), st.integers(0, 7), st.binary())
def test_the_memory_reads_back_what_it_stored(number, order, level, key):
    memory = TokenMemory()
    memory.key = (key + bytes(32))[:32]
    memory.numbers.take(number)
    memory.orders.take(order)
    memory.lock_level = level
    twin = TokenMemory()
    twin.unpack(memory.pack())
    assert twin.pack() == memory.pack()
    parsed = stored.TokenMemory.parse(memory.pack())
    assert (parsed.number, parsed.order, parsed.lock_level) == (number, order, level)
    copy = TokenMemory()
    copy.copy(memory)
    assert copy.pack() == memory.pack()
