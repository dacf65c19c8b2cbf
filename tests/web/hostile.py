"""`test_hostile_calls` with thousands of shapes: `python -m tests.web.hostile [SHAPES]`."""

import os
import sys

import pytest


def main():
    shapes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    os.environ["SHAPES"] = str(shapes)
    from tests.web import test_api  # it reads how many

    failed = pytest.main(["-q", "-n", "0", f"{test_api.__file__}::test_hostile_calls"])
    tried = test_api.Hostile.tried
    print(f"{tried} shapes tried")
    sys.exit(failed or tried < shapes)


if __name__ == "__main__":
    main()
