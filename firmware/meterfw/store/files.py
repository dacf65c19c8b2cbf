"""Files of a board with a file system, as `Board.load` and `Board.store` promise them."""

from meterfw import const

_ENOENT = const(2)
_ENOENT_WASI = const(44)  # what a build on emscripten says instead


def load(name: str) -> "bytes | None":
    """Contents of a file; None if there is none.

    :raises OSError: when it cannot be read
    """
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        if error.args[0] in (_ENOENT, _ENOENT_WASI):
            return None
        raise


def store(name: str, data: "bytes | bytearray") -> None:
    """Replace a file. On littlefs the new contents take the old ones' place as it is closed.

    :raises OSError: when that failed
    """
    with open(name, "wb") as file:
        file.write(data)
