"""Write the table of settings in docs/operating.md from `shopapp.config`: `python -m dev.settings_table`."""

from __future__ import annotations

from dev.local_stack import ROOT
from shopapp.config import SETTINGS

PAGE = ROOT / "docs" / "operating.md"
_HEAD = "| name | default | meaning |\n|---|---|---|\n"


def settings_table() -> str:
    """Return the rows, in the order of the settings."""
    rows = []
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "empty"
        if setting.default is None:
            default = "**required**"
        rows.append(f"| `{setting.name}` | {default} | {setting.meaning} |\n")
    return "".join(rows)


def render_page(text: str) -> str:
    """Return the page with its table as the settings are now."""
    before, _, after = text.partition(_HEAD)
    return before + _HEAD + settings_table() + "\n" + after[after.index("## Production") :]


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text()))
