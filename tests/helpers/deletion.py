"""A run folder that somebody deletes while a process works in it."""

import shutil


def replaced(folder):
    """Delete a run folder and put that of another process in its place; what it holds."""
    shutil.rmtree(folder)
    theirs = {
        name: f"theirs: {name}"
        for name in (
            "run.json",
            ".run.lock",
            ".training.lock",
            "running.ipynb",
            "running.txt",
            "failed.ipynb",
            "metrics.json",
            "unfinished/history.csv",
            "unfinished/epoch-0001.00000000000000000000.npz",
            "earlier/x",
        )
    }
    for name, text in theirs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return theirs


def untouched(folder, theirs):
    """Whether the folder holds just these files, with this text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    } == theirs
