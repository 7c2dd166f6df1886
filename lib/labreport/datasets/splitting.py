"""Parts of a data set: stratified by class, drawn by seed, and never the same image (by content) on
both sides.
"""

import numpy as np

from ..core.i18n import _, count, listed, whole
from .dataset import Split

SPLIT = (
    2  # keeps this stream of random numbers apart from those of the shuffling and the augmentation
)


def split_off(labels: np.ndarray, digests: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Mask (N,) of about `fraction` of each class; images of equal content stay together, whatever
    their labels say.

    A class with at least two different images, none of them repeated, has at least one on either
    side.
    """
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    owner = labels[first]  # a group counts for the class of its first image
    size = np.bincount(group)
    chosen = np.zeros(len(first), bool)
    for label in np.unique(labels):
        # by position, so that the draw does not depend on the digests' order
        members = np.flatnonzero(owner == label)
        members = members[np.argsort(first[members])]
        members = members[
            np.random.default_rng([seed, int(label), SPLIT]).permutation(len(members))
        ]
        wanted = round(fraction * size[members].sum())
        if len(members) > 1:
            wanted = min(max(wanted, 1), size[members].sum() - 1)
        chosen[members[np.cumsum(size[members]) <= wanted]] = True
    return chosen[group]


def hold_out(split: Split, fraction: float, seed: int, name: str) -> tuple[Split, Split]:
    """What stays, and about `fraction` of each class. name: of the setting, for the ValueError
    where it is not a fraction.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"dataset_args.{name} must lie between 0 and 1, got {fraction}")
    chosen = split_off(split.labels, split.digests, fraction, seed)
    return split.take(np.flatnonzero(~chosen)), split.take(np.flatnonzero(chosen))


def shortened(
    splits: list[Split], max_images: int | None, seed: int, notes: list[str]
) -> list[Split]:
    """About max_images of all of them together, the same share of every class; None keeps
    everything.
    """
    total = sum(map(len, splits))
    if max_images is None or max_images >= total:
        return splits
    kept = [
        split.take(np.flatnonzero(split_off(split.labels, split.digests, max_images / total, seed)))
        for split in splits
    ]
    notes.append(
        _(
            "Shortened to {kept} of {total} images (max_images).",
            kept=whole(sum(map(len, kept))),
            total=whole(total),
        )
    )
    return kept


def without(split: Split, held_out: Split, name: str, notes: list[str]) -> Split:
    """The training images that are not held out too: such a one would be an answer seen before.
    name: of the held-out split, validation, test or competition.
    """
    leaked = np.flatnonzero(np.isin(split.digests, held_out.digests))
    if not len(leaked):
        return split
    fields = {
        "images": count(len(leaked), "training image"),
        "named": listed([split.ids[i] for i in leaked]),
    }
    notes.append(
        {
            "validation": lambda: _(
                "{images} identical to a validation image left out: {named}.", **fields
            ),
            "test": lambda: _("{images} identical to a test image left out: {named}.", **fields),
            "competition": lambda: _(
                "{images} identical to an image of the competition's test set left out: {named}.",
                **fields,
            ),
        }[name]()
    )
    return split.take(np.setdiff1d(np.arange(len(split)), leaked))


def note_repeated(splits: list[Split], class_names: list[str], notes: list[str]) -> None:
    """Note how many images repeat another one, and name those that stand under two labels; before
    any is left out.
    """
    digests, labels = (
        np.concatenate([split.digests for split in splits]),
        np.concatenate([split.labels for split in splits]),
    )
    ids = [name for split in splits for name in split.ids]
    values, group = np.unique(digests, return_inverse=True)
    repeated = len(group) - group.max(initial=-1) - 1
    if not repeated:
        return
    notes.append(
        _("1 image repeats another one; equal images stay in the same split.")
        if repeated == 1
        else _(
            "{images} repeat another one; equal images stay in the same split.",
            images=count(int(repeated), "image"),
        )
    )
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(set(labels[members])) > 1:
            named = ", ".join(f"{ids[i]} ({class_names[labels[i]]})" for i in members)
            notes.append(_("The same image under different labels: {named}.", named=named))


def refuse_too_few(splits: dict[str, Split], max_images: int | None) -> None:
    """ValueError where a split came out empty."""
    if not all(map(len, splits.values())):
        sizes = ", ".join(f"{len(split)} {name}" for name, split in splits.items())
        fractions = "other fractions in dataset_args"
        if max_images is None:
            raise ValueError(f"too few images for {len(splits)} splits: {sizes}; use {fractions}")
        raise ValueError(
            f"too few images for {len(splits)} splits with max_images {max_images}: {sizes}; use"
            f" at least 100, or {fractions}"
        )
