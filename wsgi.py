"""The WSGI application that gunicorn and `flask --app wsgi` load."""

from shopapp import create_app

app = create_app()
