"""Power cut at every operation on the flash of a card's visit: its tokens count once."""

import pytest
from budgetmeter.card import MemoryCard
from budgetmeter.emulator.nor import BOARDS, Geometry, LittleFiles, Nor

from tests.cards.counter import GOOD, Counter
from tests.faults.images import images
from tests.faults.story import SECTORS
from tests.firmware.support import conserved, mc


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_a_visit_cut_at_every_flash_operation(board):
    geometry = Geometry(SECTORS, BOARDS[board].prog_size)
    flash = Nor(SECTORS)
    counter = Counter(files=LittleFiles(flash, geometry, format=True)).enrol(protected=True)
    counter.insert()
    counter.pay("20.00")
    counter.queue("hold", until="2021-01-10")
    counter.wait(1)
    counter.insert()
    counter.pay("30.00")
    start, card = bytes(flash.image), bytes(counter.card.data)
    balance, sequence = counter.balance, counter.report()["head"].sequence
    flash.operations = []
    assert counter.insert() == GOOD
    operations, flash.operations = flash.operations, None
    assert counter.balance == balance + mc(30)
    tried = 0
    for fault, image in images(start, operations):
        flash.image = bytearray(image)
        counter.board.files = LittleFiles(flash, geometry)
        counter.cut_power()
        assert counter.balance in (balance, balance + mc(30)), fault
        again = MemoryCard(card)  # the commit comes before anything is written on the card
        assert counter.insert(again) == GOOD, fault
        assert counter.balance == balance + mc(30), fault
        assert counter.report(again)["head"].sequence > sequence
        assert conserved(counter.state)
        tried += 1
    assert tried > 10
