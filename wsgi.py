"""The WSGI entry: what gunicorn and `flask --app wsgi` load. Nothing else belongs here."""

from shopapp import create_app

app = create_app()
