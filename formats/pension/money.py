"""Money as whole fen, and as the text of a record (`7416.25`). No floats, no fractions."""


def fen(text: str) -> int:
    """Yuan with two places, or a rate with its places, as a whole number: `7416.25` is 741625, `0.1200` is 1200.

    Absent is 0; so is what is no number, which the schema refuses before.
    """
    try:
        return int(text.replace(".", ""))
    except ValueError:
        return 0


def yuan(amount: int) -> str:
    """Fen as the text of a record."""
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{size // 100}.{size % 100:02d}"


def part(amount: int, numerator: int, denominator: int) -> int:
    """`amount` times a fraction above 0, to the whole fen; half a fen is rounded up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)
