"""procrastinate: the decision defers a job, a worker of its own process takes it by LISTEN and NOTIFY."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import procrastinate
from psycopg_pool import ConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import writes

URL, STUB, NUMBER = sys.argv[1], sys.argv[2], int(sys.argv[3])
THREADS = 4

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
pools: list[ConnectionPool] = []


@app.task(name="execute")
def execute(request: int) -> None:
    with pools[0].connection() as connection:
        writes.claim(connection, request)
    answer = writes.call(STUB)
    with pools[0].connection() as connection:
        writes.record(connection, request, answer)


def work() -> None:
    pools.append(ConnectionPool(URL, min_size=THREADS, max_size=THREADS, open=True))
    app.run_worker(concurrency=THREADS, install_signal_handlers=False, delete_jobs="never")


def main() -> None:
    ids = writes.submitted(URL, NUMBER)
    with procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=URL)).open() as once:
        if not once.check_connection():  # says whether its tables are there
            once.schema_manager.apply_schema()
    worker = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    worker.start()
    with app.open(), ConnectionPool(URL, min_size=1, max_size=1) as pool:

        def drive() -> None:
            for request in ids:
                with pool.connection() as connection:
                    writes.decide(connection, request)
                execute.defer(request=request)

        writes.timed(drive, URL, NUMBER)
        worker.terminate()


main()
