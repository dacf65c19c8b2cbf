"""`test_hostile_calls` with thousands of shapes: `python -m tests.web.hostile [SHAPES]`."""

import os
import sys
from pathlib import Path

import pytest

TEST = Path(__file__).with_name("test_api.py")


def main():
    shapes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    os.environ["SHAPES"] = str(shapes)
    failed = pytest.main(["-q", "-n", "0", f"{TEST}::test_hostile_calls"])
    tried = len(sys.modules["tests.web.test_api"].tried)
    print(f"{tried} shapes tried")
    sys.exit(failed or tried < shapes)


if __name__ == "__main__":
    main()
