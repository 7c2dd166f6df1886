"""Which edits of training code are proved to change no number."""

from labreport.config import experiments
from labreport.staleness import rules, same_numbers


def test_digests_of_equal_numbers_are_of_the_code_as_it_is_and_form_no_chain(monkeypatch):
    entries = same_numbers.SAME_NUMBERS
    chosen = experiments.load("flowers_googlenet_sgd")
    recorded = rules.training(chosen)
    monkeypatch.setattr(same_numbers, "SAME_NUMBERS", {})
    now = rules.training(chosen)
    for name, (before, after) in entries.items():
        assert now.get(name) == after, (
            f"{name} was edited: compare it again with tests/same_bits.py and enter its new digest,"
            f" {now.get(name)}, or delete its entry, and all models become stale"
        )
        assert recorded[name] == before != after
    assert not {before for before, _ in entries.values()} & {after for _, after in entries.values()}
    assert {name for name in now if now[name] != recorded[name]} == set(entries)


def test_another_edit_of_a_definition_with_an_entry_makes_models_stale(monkeypatch):
    monkeypatch.setattr(same_numbers, "SAME_NUMBERS", {"training.loop.prepare": ("old", "new")})
    assert same_numbers.canonical("training.loop.prepare", "new") == "old"
    assert same_numbers.canonical("training.loop.prepare", "newer") == "newer"
    assert same_numbers.canonical("training.loop.evaluate", "new") == "new"
