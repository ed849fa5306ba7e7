"""The back office: orders, products and the page for developers, as plain Portuguese pages without scripts."""

from flask import Blueprint

pages = Blueprint("admin", __name__, url_prefix="/admin/<code>")
