"""Exit 0 if the PostgreSQL and the Redis of two URLs both answer within two seconds: DATABASE_URL REDIS_URL."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis


def main(database_url: str, redis_url: str) -> int:
    # The suite makes databases of its own; the one that is always there tells whether the server answers.
    server = urlunsplit(urlsplit(database_url)._replace(scheme="postgresql", path="/postgres"))
    try:
        with psycopg.connect(server, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
        redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2).ping()
    except (psycopg.Error, redis.RedisError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
