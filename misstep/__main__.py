"""`python -m misstep`: the same as the command `misstep`."""

import sys

from misstep.cli import main

if __name__ == "__main__":
    sys.exit(main())
