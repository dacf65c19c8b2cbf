"""Power cut at every operation on the flash of a card's visit: its tokens count once."""

import pytest
from budgetmeter.card import MemoryCard
from budgetmeter.emulator.nor import BOARDS, Geometry, LittleFiles, Nor

from tests.cards.desk import GOOD, Desk
from tests.faults.images import images
from tests.faults.story import SECTORS
from tests.firmware.support import conserved, mc


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_a_visit_cut_at_every_flash_operation(board):
    geometry = Geometry(SECTORS, BOARDS[board].prog_size)
    flash = Nor(SECTORS)
    desk = Desk(files=LittleFiles(flash, geometry, format=True)).enrol(protected=True)
    desk.insert()
    desk.pay("20.00")
    desk.queue("hold", until="2021-01-10")
    desk.wait(1)
    desk.insert()
    desk.pay("30.00")
    start, card = bytes(flash.image), bytes(desk.card.data)
    balance, sequence = desk.balance, desk.report()["head"].sequence
    flash.operations = []
    assert desk.insert() == GOOD
    operations, flash.operations = flash.operations, None
    assert desk.balance == balance + mc(30)
    tried = 0
    for fault, image in images(start, operations):
        flash.image = bytearray(image)
        desk.board.files = LittleFiles(flash, geometry)
        desk.cut_power()
        assert desk.balance in (balance, balance + mc(30)), fault
        again = MemoryCard(card)  # the commit comes before anything is written on the card
        assert desk.insert(again) == GOOD, fault
        assert desk.balance == balance + mc(30), fault
        assert desk.report(again)["head"].sequence > sequence
        assert conserved(desk.state)
        tried += 1
    assert tried > 10
