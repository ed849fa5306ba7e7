"""The routes that every stand-in has: `/sandbox/health` and `/sandbox/switches`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from .switches import Switches


def core_blueprint(title: str, switches: Switches) -> Blueprint:
    """Return the routes; `/sandbox/switches` answers JSON, or a page to a browser."""
    pages = Blueprint("core", __name__, template_folder="templates")

    @pages.get("/sandbox/health")
    def health() -> Response:
        return jsonify({"ok": True, "name": title})

    @pages.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    @pages.get("/sandbox/switches")
    def show() -> Response | str:
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            return render_template("switches.html", title=title, switches=switches)
        return jsonify(switches.as_json())

    @pages.post("/sandbox/switches")
    def change() -> Response | tuple[Response, int]:
        wanted = request.get_json() if request.is_json else request.form.to_dict()
        try:
            for name, position in wanted.items():
                switches.set(name, position)
        except ValueError as wrong:
            return jsonify({"error": str(wrong)}), 422
        if request.is_json:
            return jsonify(switches.as_json())
        return redirect("/sandbox/switches", 303)  # type: ignore[return-value]

    @pages.delete("/sandbox/switches")
    def back() -> Response:
        switches.reset()
        return jsonify(switches.as_json())

    return pages
