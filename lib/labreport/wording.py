"""Numbers as a person reads them: counts, shares, durations."""


def count(number: int, noun: str) -> str:
    """1 epoch, 2 epochs, 45,000 images."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def percent(share: float) -> str:
    """0.7024 -> 70.2 %, with a space that does not break."""
    return f"{100 * share:.1f}\u00a0%"


def duration(seconds: float) -> str:
    """8 s, 3 min 20 s, 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def listed(names: list[str], most: int = 8) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
