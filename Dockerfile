# The product for production: one image, three commands (web, worker, beat); see compose.yaml.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 READ_DOT_ENV=0 POSTERN_VAR=/var/lib/postern
WORKDIR /srv/postern

COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt -c constraints.txt

RUN useradd --system --home-dir /var/lib/postern --create-home postern
COPY . .
RUN SECRET_KEY=only-while-the-static-files-are-collected CELERY_BROKER_URL=memory:// \
    python manage.py collectstatic --noinput --verbosity 0

USER postern
VOLUME /var/lib/postern
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# How many processes and threads: gunicorn.conf.py, WEB_CONCURRENCY, GUNICORN_CMD_ARGS. Heartbeats go to memory: on the
# image's own file system a busy disk could hold them up.
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm"]
