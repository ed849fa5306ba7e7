"""The decision trace of a draft: the rules that decided, warnings for the merchant, and notes to print.

The rules of `fiscal/` fill it while a draft is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class DecisionTrace:
    """Names of rules, codes of warnings and sentences to print: each once, in the order in which they were added."""

    rules: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def add_rule(self, *names: str) -> None:
        """Record that these rules decided something."""
        self.rules.update(dict.fromkeys(names))

    def add_warning(self, code: str) -> None:
        """Add a warning for the merchant; `code` is stable, its sentence is in `messages/errors.py`."""
        self.warnings[code] = None

    def add_note(self, sentence: str) -> None:
        """Add a sentence to print on the document."""
        self.notes[sentence] = None
