"""The reader and validator that nobody here wrote: ocfl-py."""

import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of botocore and its like, which it loads for S3
    from ocfl import StorageRoot
    from ocfl.layout_0003_hash_and_id_n_tuple import Layout_0003_Hash_And_Id_N_Tuple


def judged(root: Path) -> tuple[int, int, list[str]]:
    """Number of objects, of good ones, and what ocfl-py says of a root, warnings too.

    Its own verdict is not enough: it says that a root is valid while objects in it are not.
    """
    store = StorageRoot(root=str(root))
    sound = store.validate(log_warnings=True)
    said = [message for _path, message in store.errors]
    return store.num_objects, store.good_objects, said if sound else [*said, "the root itself is not valid"]


def place(identifier: str) -> str:
    """Where ocfl-py looks for an object in a root of extension 0003, default configuration."""
    path: str = Layout_0003_Hash_And_Id_N_Tuple().identifier_to_path(identifier)
    return path
