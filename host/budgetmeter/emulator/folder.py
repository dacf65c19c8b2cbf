"""A meter's files in a folder of this computer."""

import os
from pathlib import Path

from meterfw.store import files


class Folder:
    """A mapping of names to contents, as `VirtualBoard` wants it; made with its first file.

    :raises OSError: from any of its methods
    """

    def __init__(self, path):
        self.path = Path(path)

    def empty(self):
        """Whether there is nothing in it, or no folder yet."""
        return not self.path.exists() or not os.listdir(self.path)

    def get(self, name):
        """Contents of a file; None if there is none."""
        return files.load(str(self.path / name))

    def __setitem__(self, name, data):
        """Replace a file."""
        os.makedirs(self.path, exist_ok=True)
        files.store(str(self.path / name), data)
