"""Print the decision on each fiscal case of a file: `python -m tests.cases FILE.json`."""

import sys

from tests.fiscal_cases.runner import main

sys.exit(main(sys.argv[1:]))
