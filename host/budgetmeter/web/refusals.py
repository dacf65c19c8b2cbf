"""What HTTP answers instead: a status and one sentence."""


class Refusal(Exception):
    """A call that is not done. The message is one sentence.

    :ivar status: of the answer
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def bad(sentence: str) -> Refusal:
    """A value that cannot be used."""
    return Refusal(400, sentence)


def missing(sentence: str) -> Refusal:
    """Nothing is there."""
    return Refusal(404, sentence)


def conflict(sentence: str) -> Refusal:
    """Not now, or not with this meter."""
    return Refusal(409, sentence)
