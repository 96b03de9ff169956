"""The WSGI entry of gunicorn; it refuses to start on settings that contradict each other."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  (needs DJANGO_SETTINGS_MODULE)
from django.db import connections  # noqa: E402

from config.statement_timeout import limit_statements  # noqa: E402

limit_statements(connections.settings["default"], seconds=settings.DATABASE_STATEMENT_TIMEOUT)

from domains.checks import refuse_to_start_on_errors  # noqa: E402  (needs the app registry)

# gunicorn starts a worker that ends with any other code again and again.
refuse_to_start_on_errors(exit_code=3 if "gunicorn" in os.environ.get("SERVER_SOFTWARE", "") else 1)
