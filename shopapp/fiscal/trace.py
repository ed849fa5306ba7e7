"""Why a draft is as it is: the rules that decided, what the merchant should know, what is printed.

Filled by the rules of `fiscal` while one draft is made, read once at its end; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class DecisionTrace:
    """The names of rules, the codes of warnings and the sentences to print, each once and in the order they came."""

    rules: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def add_rule(self, *names: str) -> None:
        """These rules decided something."""
        self.rules.update(dict.fromkeys(names))

    def add_warning(self, code: str) -> None:
        """The merchant should know this; `code` is stable, its sentence is in `messages/wording.py`."""
        self.warnings[code] = None

    def add_note(self, sentence: str) -> None:
        """This is printed on the document."""
        self.notes[sentence] = None
