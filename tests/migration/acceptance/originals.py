"""The real databases that nobody here wrote, each put into an environment by that environment's own program."""

import shutil
import subprocess

import sqlalchemy as sa

from tests.migration.acceptance.places import Places
from tests.migration.engines.test_postgresql_real import fill
from tests.parts import need, shared_data

_HEAD = ("DROP DATABASE", "CREATE DATABASE", "USE ")


def chinook(places: Places, engine: str) -> str:
    """The URL of a database that holds the music shop, made from the file that its authors wrote for this engine."""
    url = places.fresh(engine)
    folder = shared_data("databases/chinook")
    if engine == "sqlite":
        shutil.copyfile(folder / "Chinook_Sqlite.sqlite", sa.make_url(url).database or "")
    elif engine == "postgresql":
        fill(url, folder / "Chinook_PostgreSql.sql")
    else:
        address = sa.make_url(url)
        lines = (folder / "Chinook_MySql.sql").read_text(encoding="utf-8-sig").splitlines()
        text = "\n".join(line for line in lines if not line.startswith(_HEAD))
        client = [need("mariadb"), "--no-defaults", f"--socket={address.query['unix_socket']}", "--user=root"]
        client += ["--default-character-set=utf8mb4", str(address.database)]
        subprocess.run(client, input=text.encode(), check=True, capture_output=True)
    return url


def northwind(places: Places) -> str:
    """The URL of a PostgreSQL that holds the food trader."""
    url = places.fresh("postgresql")
    fill(url, shared_data("databases/northwind/northwind.sql"))
    return url
