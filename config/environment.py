"""The environment as settings read it: a value that can not be read ends the process with one line that names it."""

from __future__ import annotations

import ipaddress
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
DATABASES = ("postgres", "postgresql", "pgsql", "sqlite")
# Ours tells errors without the values of the row.
ENGINES = {"django.db.backends.postgresql": "config.postgresql"}
FORMS = {
    bool: "It is 1 or 0.",
    int: "It is a whole number.",
    float: "It is a number.",
}


@contextmanager
def _naming(variable: str, form: str) -> Iterator[None]:
    # The value itself is not repeated: it may be a URL with a password. Nothing goes on with a default in its place:
    # a command would work on another database than the one that was meant.
    try:
        yield
    except (ImproperlyConfigured, KeyError, OSError, ValueError):
        print(f"postern.E013: {variable} can not be read. {form}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None


class Environment(environ.Env):  # type: ignore[misc]
    """django-environ's, stricter: it refuses in one line, and a `$` in a value is a `$` (theirs: another variable).

    An empty variable is as good as none: .env files and compose files are full of them.
    """

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **named: Any) -> Any:
        value = self.ENVIRON.get(var, "").strip()
        if not value:
            return default
        with _naming(var, FORMS.get(cast, "")):
            return self._parsed(value, cast)

    def _parsed(self, value: str, cast: Any) -> Any:
        if cast is bool:
            if value.lower() not in TRUE | FALSE:
                raise ValueError(value)
            return value.lower() in TRUE
        if cast is float:
            number = float(value)
            if not math.isfinite(number):
                raise ValueError(value)
            return number
        if cast is list:
            return [item.strip() for item in value.split(",") if item.strip()]
        return self.parse_value(value, cast)

    def is_given(self, var: str) -> bool:
        """Whether the variable is there at all, be it empty."""
        return var in self.ENVIRON

    def db(self, var: str, **named: Any) -> Any:
        """The database of a URL; {} for none, which Django refuses on first use."""
        url = self.get_value(var, default="")
        if not url:
            return {}
        with _naming(var, "It is postgres://user:password@host:5432/name, or sqlite:////a/file."):
            if url.partition(":")[0] not in DATABASES:
                raise ValueError(url)
            found = self.db_url_config(url)
            if not found["NAME"]:
                raise ValueError(url)
            return {**found, "ENGINE": ENGINES.get(found["ENGINE"], found["ENGINE"])}

    def cache_url(self, var: str, *args: Any, **named: Any) -> Any:
        with _naming(var, "It is redis://host:6379/0, or locmemcache:// for one process."):
            return super().cache_url(var, *args, **named)

    def email_url(self, var: str, *args: Any, **named: Any) -> Any:
        """As django-environ reads it, but that the folder of filemail:///a/folder is absolute, as in a file:// URL."""
        with _naming(var, "It is smtp+tls://user:password@host:587, filemail:///a/folder, or consolemail://."):
            found = super().email_url(var, *args, **named)
            if found["EMAIL_BACKEND"] == self.EMAIL_SCHEMES["filemail"]:
                if found["EMAIL_HOST"] or not found["EMAIL_FILE_PATH"]:
                    raise ValueError(var)
                found["EMAIL_FILE_PATH"] = "/" + found["EMAIL_FILE_PATH"].lstrip("/")
            return found

    def word(self, var: str, *, among: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        with _naming(var, f"It is one of {', '.join(among)}."):
            return among[among.index(self.str(var, default=default))]

    def networks(self, var: str) -> tuple[Network, ...]:
        """Networks such as 10.1.0.0/16, comma-separated; none by default."""
        with _naming(var, "It is a list of networks such as 10.1.0.0/16, without bits behind the mask."):
            return tuple(ipaddress.ip_network(network) for network in self.list(var, default=[]))

    def address(self, var: str) -> str:
        """A URL without the slash at its end, "" for none; what must stand in it is for the system checks."""
        url: str = self.str(var, default="").rstrip("/")
        with _naming(var, "It is an address such as https://mail.example.com."):
            # The port is read so that it is looked at: 99999 and words are refused only then.
            urlsplit(url).port  # noqa: B018
        return url

    def folder(self, var: str, *, default: Path) -> Path:
        """A folder, made where it is missing."""
        found = Path(self.str(var, default=str(default)))
        with _naming(var, "It is a folder that this process may make and write."):
            found.mkdir(parents=True, exist_ok=True)
        return found
