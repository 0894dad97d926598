"""A person vouches for a fingerprint: with an option, or by saying yes at the terminal."""

import click

from formats.errors import UsageError
from transfer.cards import plain


def confirm(fingerprint: str, given: str, question: str) -> None:
    """Whether `given` is this fingerprint, or somebody says yes to the question. Raises UsageError T130."""
    if given:
        if plain(given) != fingerprint:
            raise UsageError("T130", "the fingerprint is not that of the key")
    elif not _confirmed(question):
        raise UsageError("T130", "the fingerprint was not confirmed; a script gives it with --fingerprint")


def _confirmed(question: str) -> bool:
    """Whether a person says yes; no is also said by nobody, when there is no terminal."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False
