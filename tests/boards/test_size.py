"""The weight of the firmware that is committed is the weight it has."""

import json

from tests.boards import size


def test_the_committed_octets_are_those_of_the_sources():
    committed = json.loads(size.FILE.read_text("utf-8"))["mpy"]
    assert committed == size.mpy(), "run `make size`, and commit docs/size.json"


def test_each_file_of_a_board_counts_once():
    weight = size.mpy()
    common = sum(octets for name, octets in weight["modules"].items() if "/board.mpy" not in name)
    common += weight["modules"]["meterfw/board.mpy"] + weight["modules"]["parts/board.mpy"]
    for board, total in weight["boards"].items():
        assert common + weight["modules"][f"{board}/board.mpy"] == total
