"""`python -m tests.cases FILE.json` prints the decision on each case; the runner is in `tests/fiscal_cases`."""

import sys

from tests.fiscal_cases.runner import main

sys.exit(main(sys.argv[1:]))
