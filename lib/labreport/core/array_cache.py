"""Arrays that are computed once, kept in the cache folder, and memory-mapped from then on."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from . import files


def kept(
    path: Path, shape: tuple[int, ...], dtype, chunks: Callable[[], Iterable[np.ndarray]]
) -> np.ndarray:
    """The array of this file, memory-mapped read-only; where there is none yet, it is written from
    the chunks, first rows first.

    shape: (N, ...). chunks: a function whose arrays (n, ...) together make up the N rows. The file
    appears whole or not at all; a second process waits for the first and then reads what that one
    has written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.lock(path.with_name(f".{path.name}.lock"), str(path), wait=files.FOREVER):
            files.sweep(path.parent, path.name)
            if not path.exists():
                files.replace(
                    path, lambda temporary: _write(temporary, shape, np.dtype(dtype), chunks())
                )
    try:
        array = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete it, and it will be computed again"
        ) from None
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{path} holds {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}; delete"
            " it, and it will be computed again"
        )
    return array


def _write(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, chunks: Iterable[np.ndarray]
) -> None:
    # Written, not mapped: on a full disk writing is an error, while a page that has no room would
    # kill the process.
    rows = 0
    with open(path, "wb") as file:
        np.lib.format.write_array_header_2_0(
            file,
            {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape},
        )
        for chunk in chunks:
            assert chunk.shape[1:] == shape[1:] and chunk.dtype == dtype, (
                chunk.shape,
                chunk.dtype,
                shape,
                dtype,
            )
            file.write(np.ascontiguousarray(chunk).data)
            rows += len(chunk)
    assert rows == shape[0], (rows, shape)
