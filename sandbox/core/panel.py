"""The page of faults in the panel of an invoicing system's stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from .faults import FaultSchedule


def panel_blueprint(
    faults: FaultSchedule[Any], target: str, label: str, choices: Sequence[str] = ()
) -> Blueprint:
    """Return the panel with its page of faults; the stand-in adds its own pages to the same blueprint.

    `target` is the field of a fault that names the calls it concerns; `label` its name on the page.
    """
    pages = Blueprint("panel", __name__, url_prefix="/panel")

    @pages.get("/avarias")
    def show_faults() -> str:
        return render_template(
            "faults.html",
            kinds=faults.fault.KINDS,
            faults=faults.as_json()["faults"],
            target=target,
            label=label,
            choices=choices,
            default=getattr(faults.fault, target),
        )

    @pages.post("/avarias")
    def schedule_fault() -> Response:
        faults.schedule_from_form(request.form)
        return redirect("/panel/avarias", 303)

    return pages
