"""Definitions whose digest changed while the numbers of every training stayed as they were.

A run records the digest of the code that trained it. An edit that only measures more has another
digest too, and would train every model again. An entry says that it need not: `rules.training`
gives the digest before the edit in place of the one after it.

An entry may be made once `tests/same_bits.py` has compared the code before the edit with the code
after it, and found the same bits in all kinds of trainings: every column that the history had,
predictions, validation record, model and metrics. The commit that makes the entry names that
comparison.

It holds for one state of the code, and a test fails when that is gone. Whoever edits such a
definition again either compares again and replaces the digest after the edit, or deletes the entry,
and the models become stale. The digest before stays the one that finished runs have recorded, so
entries never form a chain.
"""

# Name of a definition -> its digest before and after the edit.
SAME_NUMBERS: dict[str, tuple[str, str]] = {
    # Accuracy and loss of each output. Compared on a CPU with TensorFlow, commit d03db4f before it:
    # all eight kinds of tests/same_bits.py have the same bits. `evaluate` was edited once more, and
    # then compared again in two of them, "one softmax" and "three outputs".
    "training.loop.prepare": (
        "a0904ca4c43009f57beb2ce13880fcd0f709cd77e997f7ff9c87f5d647e1dbc3",
        "53a8b0c577162039532ba85666ca04558bc89c4d7b5be4681d8de230252ec546",
    ),
    "training.loop.train_epochs": (
        "b5d1e2898aed8be649cd573f3f40e42e22ad46cfb88f7795cbcb950732e54823",
        "3a4f7db2e50c9419c58347c412aad246e4149532fe27ad652b356dd0e6387796",
    ),
    "training.loop.evaluate": (
        "df4b78a9d492fba9257abb51cd1ab1235b05d79062ed8f6410b3fc456835a58e",
        "ba5bc741fd6654a2ad2ddddad22ceae6cbe9009840f900a0467675d86ff387d2",
    ),
}


def canonical(name: str, digest: str) -> str:
    """The digest that stands for all states of a definition that lead to the same numbers."""
    before, after = SAME_NUMBERS.get(name, (digest, digest))
    return before if digest == after else digest
