"""The weight of the firmware that is committed is the weight it has."""

import json

from tests.boards import size


def test_the_committed_octets_are_those_of_the_sources():
    committed = json.loads(size.FILE.read_text("utf-8"))["mpy"]
    assert committed == size.mpy(), "run `make size`, and commit docs/size.json"


def test_each_file_of_a_board_counts_once():
    weight = size.mpy()
    own = {board: weight["modules"].pop(f"{board}/board.mpy") for board in weight["boards"]}
    common = sum(weight["modules"].values())
    assert weight["boards"] == {board: common + octets for board, octets in own.items()}
