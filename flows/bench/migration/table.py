"""The table that is carried: contributions of invented people, ten columns, Chinese text, about 130 bytes a row."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg

from flows.bench.migration.server import Server

NAME: Final = "contribution"

COLUMNS: Final = """
    id bigint NOT NULL, person varchar(18) NOT NULL, name text NOT NULL, unit text, insurance integer NOT NULL,
    period varchar(6) NOT NULL, base numeric(12,2) NOT NULL, paid numeric(12,2), pay_date date, remark text
"""
KEY: Final = f"ALTER TABLE {NAME} ADD PRIMARY KEY (id)"
ANALYSE: Final = f"ANALYZE {NAME}"

_ROWS: Final = """
SELECT n,
       lpad((n * 7919 % 1000000007)::text, 18, '330100199'),
       (ARRAY['张伟','王芳','李娜','刘洋','陈静','杨光','赵磊','欧阳明华'])[n % 8 + 1] || n % 1000,
       CASE WHEN n % 5 > 0 THEN '杭州市第' || n % 300 || '纺织机械有限责任公司' END,
       n % 5 + 1,
       (1990 + n % 35)::text || lpad((n % 12 + 1)::text, 2, '0'),
       (n * 7919 % 3000000) / 100.0,
       CASE WHEN n % 9 > 0 THEN (n * 104729 % 500000) / 100.0 END,
       CASE WHEN n % 11 > 0 THEN date '1990-01-01' + (n % 12000)::int END,
       CASE WHEN n % 3 = 0 THEN '补缴"' || n % 7 || '"个月, 审批' || n END
FROM generate_series(1, {rows}::bigint) AS n
"""
_INTO: Final = f"INSERT INTO {NAME} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - no value is in it
_OUT: Final = (
    "SELECT id, person, name, unit, insurance, period, base::float8, paid::float8, pay_date::text, remark"
    " FROM contribution ORDER BY id"
)
_BATCH: Final = 10_000


def fill(server: Server, database: str, rows: int) -> str:
    """The URL of a fresh database with so many rows in the table."""
    url = server.fresh(database)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            f"CREATE TABLE {NAME} ({COLUMNS})",
            f"INSERT INTO {NAME} {_ROWS.format(rows=rows)}",
            KEY,
            f"VACUUM ANALYZE {NAME}",
        ):
            connection.execute(statement.encode())
    return url


def sqlite(url: str, file: Path) -> None:
    """A SQLite file with the same rows as the table at this URL."""
    with psycopg.connect(url) as connection, closing(sqlite3.connect(file)) as made:
        made.execute(f"CREATE TABLE {NAME} ({COLUMNS}, PRIMARY KEY (id))")
        with connection.cursor(NAME) as rows:
            rows.itersize = _BATCH
            rows.execute(_OUT.encode())
            while batch := rows.fetchmany(_BATCH):
                made.executemany(_INTO, batch)
        made.commit()
