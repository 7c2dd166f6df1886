"""Values of wrong types for each place of what JSON or YAML can hold, to try readers with."""

WRONG = (None, -3, "x", ["x"], {"x": 1}, 10**400)


def places(value, path=()):
    """The path of each value in nested mappings and lists; of a list or a mapping of many alike,
    the first two.
    """
    if path:
        yield path
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    inside = list(inside)
    for key, item in inside if len(inside) < 60 else inside[:2]:
        yield from places(item, (*path, key))


def replaced(value, path, other):
    """The same with another value in a place; without it where that is `...`."""
    if not path:
        return other
    key, *rest = path
    copied = value.copy()
    if other is ... and not rest:
        del copied[key]
    else:
        copied[key] = replaced(value[key], rest, other)
    return copied


def changes(value, each=3):
    """(path, other value, the whole with it) for each place; each gets some of the wrong values in
    turn, `...` being its absence.
    """
    every = (*WRONG, ...)
    for number, path in enumerate(places(value)):
        for step in range(each):
            other = every[(number + 2 * step) % len(every)]
            yield path, other, replaced(value, path, other)
