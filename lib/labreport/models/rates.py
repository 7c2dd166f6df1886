"""Dropout rates as parameter files give them, checked for every architecture that takes them."""

from collections.abc import Sequence


def check(
    dense: list[int],
    dense_dropout: list[float],
    name: str = "dense_dropout",
    blocks: int | None = None,
    block_dropout: Sequence[float] = (),
) -> None:
    """ValueError unless there is a rate for each hidden dense layer, and for each of the blocks
    where there are some, from 0 to below 1.

    name: of the setting that holds the dense layers' rates.
    """
    if blocks is not None and len(block_dropout) != blocks:
        raise ValueError(
            f"model_args.block_dropout needs one rate for each block: {blocks}, got"
            f" {len(block_dropout)}"
        )
    if len(dense_dropout) != len(dense):
        raise ValueError(
            f"model_args.{name} needs one rate for each dense layer: {len(dense)}, got"
            f" {len(dense_dropout)}"
        )
    if not all(0 <= rate < 1 for rate in (*block_dropout, *dense_dropout)):
        raise ValueError(
            "model_args: a dropout rate must be from 0 to below 1, got"
            f" {[*block_dropout, *dense_dropout]}"
        )
