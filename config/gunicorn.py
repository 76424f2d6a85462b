"""gunicorn's settings: `gunicorn --config config/gunicorn.py config.wsgi`.

| variable | default | meaning |
|---|---|---|
| `BIND` | `127.0.0.1:$PORT` | `host:port` or `unix:/path`; `0.0.0.0:8000` inside a container |
| `PORT` | `8000` | the port, where BIND is not set |
| `WEB_CONCURRENCY` | `2` | processes: about one per core |
| `WEB_THREADS` | `4` | threads per process; each may borrow one of DATABASE_POOL_SIZE connections |
| `WEB_READ_SECONDS` | `30` | longest that a client may take to send a request |
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

# The service is found from whatever directory it is started.
chdir = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, chdir)

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_class = "config.web_worker.BoundedThreadWorker"

# Longer than the idle time of common load balancers (60 s), which else send a request into a closing connection.
keepalive = 75
# An approval may wait 10 s for its outcome; whoever stops the service should grant a little more than this.
graceful_timeout = 25

accesslog = None
# Nobody but Django's PROXY_SENDS_FORWARDED_PROTO decides whether a proxy's word about https is believed.
forwarded_allow_ips = ""
# It would lie in the home directory of whoever starts the service, and one service would take another's.
control_socket_disable = True
# The heartbeat's file must not lie on a disk: a slow one would look like a hanging process.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - unlinked as soon as it is made


def _house_style() -> dict[str, Any]:
    """gunicorn's own lines go through the service's logging and lose their own handler."""
    from config.logs import logging_config

    style = logging_config(os.environ.get("LOG_LEVEL") or "INFO", os.environ.get("LOG_FORMAT") or "json")
    style["loggers"]["gunicorn.error"] = {"handlers": [], "propagate": True}
    return style


logconfig_dict = _house_style()
