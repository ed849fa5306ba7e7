"""Write the tables of switches and faults in sandbox/README.md: `python -m sandbox.readme_tables`.

A test compares the page with the code, so run this after changing a switch.
"""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.core.faults import faults_table
from sandbox.core.switches import Switches
from sandbox.igest.switches import SWITCHES as IGEST
from sandbox.jumpseller.switches import SWITCHES as JUMPSELLER
from sandbox.mailbox import SWITCHES as MAILBOX
from sandbox.phcgo.faults import KINDS
from sandbox.phcgo.switches import SWITCHES as PHCGO
from sandbox.shopkit.switches import SWITCHES as SHOPKIT
from sandbox.vies import SWITCHES as VIES

README = Path(__file__).with_name("README.md")
TABLES = {
    "jumpseller": JUMPSELLER,
    "shopkit": SHOPKIT,
    "igest": IGEST,
    "phcgo": PHCGO,
    "mailbox": MAILBOX,
    "vies": VIES,
}


def fill_tables(text: str) -> str:
    """Return the page with every table as the code has it."""
    for name, switches in TABLES.items():
        start, end = f"<!-- switches: {name} -->", "<!-- end -->"
        table = f"{start}\n{Switches(switches).as_markdown()}{end}"
        text = re.sub(f"{start}.*?{end}", lambda _, table=table: table, text, flags=re.DOTALL)  # type: ignore[misc]
    start, end = "<!-- faults: phcgo -->", "<!-- end -->"
    kinds = f"{start}\n{faults_table(KINDS, 'executed')}{end}"
    return re.sub(f"{start}.*?{end}", lambda _: kinds, text, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(fill_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
