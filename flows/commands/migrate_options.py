"""What the commands of `jiexu migrate` share."""

from pathlib import Path

import click

source_option = click.option(
    "--source", required=True, metavar="URL", help="Where the data are; env:NAME takes it from a variable."
)
target_option = click.option(
    "--target", required=True, metavar="URL", help="Where they shall be; env:NAME takes it from a variable."
)
mapping_option = click.option(
    "--mapping",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="This site's own types, names and conversions (TOML).",
)
proof_option = click.option(
    "--proof",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of this migration: plan, freeze, lists, proof.",
)
