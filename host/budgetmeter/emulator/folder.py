"""A meter's files in a folder of this computer."""

import os
from pathlib import Path

from meterfw import files


class Folder:
    """A mapping of names to contents, as `VirtualBoard` wants it.

    :raises OSError: from any of its methods
    """

    def __init__(self, path):
        self.path = Path(path)
        os.makedirs(self.path, exist_ok=True)

    def get(self, name):
        """Contents of a file; None if there is none."""
        return files.load(str(self.path / name))

    def __setitem__(self, name, data):
        """Replace a file."""
        files.store(str(self.path / name), data)
