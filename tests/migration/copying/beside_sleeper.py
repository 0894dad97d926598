"""A process that has another beside it and then sleeps, for the test that kills it."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from migration.copying.beside import Beside
from migration.copying.early import Order
from migration.engines.sqlite import SqliteTarget
from migration.run import Folder


def main(folder: Path) -> None:
    """Say the other process's number."""
    target = SqliteTarget(f"sqlite:///{folder / 'target.db'}")
    order = Order(target, folder / "plan.json", folder / "freeze", folder, "1", datetime(2026, 3, 1, tzinfo=UTC))
    with Folder(folder).held() as lock, Beside(order, lock, lambda _: None) as beside:
        sys.stdout.write(f"{beside._process.pid}\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
