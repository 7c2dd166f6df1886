"""A digest changes with what code means, and with nothing else, however the code is reached."""

import ast

import pytest
from labreport import code_digest, imported_source
from labreport.code_digest import Code, Scope

HELPER = '''
"""Helpers."""
RATE = 0.5
def scale(x):
    return x * RATE
class Block:
    """A block."""
    size = 3
    def __call__(self, x):
        return scale(x) + self.size
def beside(x):
    return x
'''
MODEL = '''
"""Models."""
import keras
from keras import layers
{imports}

def mine(shape, *, rate: float = 0.1):
    """My model."""
    found = keras.Input(shape)  # a comment
    if rate < 0:
        raise ValueError(f"rate is {{rate}}")
    return layers.Dense(3)({used}(found))

def theirs(shape):
    return layers.Dense(9)(shape)
'''
FORMS = {
    "relative": ("from .helper import scale", "scale"),
    "absolute": ("from labreport.models.helper import scale", "scale"),
    "aliased": ("from .helper import scale as s", "s"),
    "of the package": ("from . import helper", "helper.scale"),
    "of the whole package": ("from labreport.models import helper as h", "h.scale"),
    "as a module": ("import labreport.models.helper as h", "h.scale"),
    "by its full name": ("import labreport.models.helper", "labreport.models.helper.scale"),
    "everything": ("from .helper import *", "scale"),
    "handed on": ("from .between import scale", "scale"),
    "inside": ("def shortcut(x):\n    from .helper import scale\n    return scale(x)", "shortcut"),
    "a class": ("from .helper import Block", "Block()"),
    "as a default": ("from .helper import scale\ndef via(x, by=scale):\n    return by(x)", "via"),
    "as a decorator": ("from .helper import scale\n@scale\ndef via(x):\n    return x", "via"),
    "a constant": ("from .helper import RATE\ndef via(x):\n    return x * RATE", "via"),
    "a module as a value": (
        "from . import helper\ndef via(x):\n    return [room.scale(x) for room in (helper,)]",
        "via",
    ),
}


@pytest.fixture
def package(monkeypatch):
    """Modules of labreport.models that exist in the test alone; a dict of their sources."""
    sources = {}
    on_disk = code_digest._on_disk
    monkeypatch.setattr(
        code_digest, "_on_disk", lambda module: sources.get(module, on_disk(module))
    )
    return sources


def digest(name="models.own.mine", **scope):
    return Code().digest(name, Scope(**{key: frozenset(value) for key, value in scope.items()}))


def place(package, form="relative", helper=HELPER, change=lambda text: text):
    imports, used = FORMS[form]
    package["labreport.models.own"] = change(MODEL.format(imports=imports, used=used))
    package["labreport.models.helper"] = helper
    package["labreport.models.between"] = "from .helper import scale\n"
    return digest()


@pytest.mark.parametrize("form", FORMS)
def test_a_constant_two_steps_away_counts_in_every_form_of_import(package, form):
    before = place(package, form)
    assert place(package, form, HELPER.replace("RATE = 0.5", "RATE = 0.4")) != before
    if form not in ("a module as a value", "everything"):
        assert place(package, form, HELPER.replace("return x\n", "return -x\n")) == before


@pytest.mark.parametrize(
    "form",
    ["absolute", "aliased", "of the package", "as a module", "by its full name", "handed on"],
)
def test_the_form_of_an_import_means_nothing(package, form):
    assert place(package, form) == place(package, "relative")


@pytest.mark.parametrize(
    "old, new",
    [
        ("# a comment", ""),
        ('"""My model."""', '"""Another text."""'),
        ('"""Models."""', ""),
        ("found", "inputs"),
        ("rate: float", "rate: int"),
        ("rate is", "the rate must not be"),
        ("return layers.Dense(9)", "return layers.Dense(8)"),
        ("def theirs", "def extra():\n    pass\n\ndef theirs"),
        ("from keras import layers", "from keras import layers as L"),
        ("if rate < 0:", "if (rate < 0):"),
    ],
)
def test_what_means_nothing_changes_nothing(package, old, new):
    before = place(package)
    assert old in MODEL

    def change(text):
        text = text.replace(old, new)
        return text.replace("layers.Dense", "L.Dense") if "as L" in new else text

    assert place(package, change=change) == before


@pytest.mark.parametrize(
    "old, new",
    [
        ("rate < 0", "rate < 1"),
        ("float = 0.1", "float = 0.2"),
        ("Dense(3)", "Dense(4)"),
        ("Dense(3)", "Dense(3.0)"),
        ("Dense(3)", "Dense(units=3)"),
        ("*, rate", "*, speed"),
        ("layers.Dense(3)", "layers.Conv2D(3)"),
        ("keras.Input", "keras.ops.abs"),
        ("found = keras", "found = found = -keras"),
        ("raise ValueError", "raise TypeError"),
    ],
)
def test_what_means_something_changes_the_digest(package, old, new):
    before = place(package)
    assert old in MODEL and place(package, change=lambda text: text.replace(old, new)) != before


def test_a_helper_that_moves_or_is_renamed_changes_nothing(package):
    before = place(package)
    package["labreport.models.elsewhere"] = HELPER.replace("scale", "scaled").replace(
        "RATE", "FACTOR"
    )
    package["labreport.models.own"] = MODEL.format(
        imports="from .elsewhere import scaled", used="scaled"
    )
    assert digest() == before
    package["labreport.models.moved"] = package.pop("labreport.models.own")
    assert digest("models.moved.mine") == before


def test_what_a_module_does_when_it_is_imported_counts(package):
    before = place(package)
    assert place(package, helper=HELPER + "\nprint(RATE)\n") != before
    assert (
        place(package, helper=HELPER + "\nif __name__ == '__main__':\n    print(RATE)\n") == before
    )


def test_reformatting_the_whole_package_changes_no_digest(monkeypatch):
    before = code_digest.whole()
    on_disk = code_digest._on_disk
    monkeypatch.setattr(
        code_digest,
        "_on_disk",
        lambda module: text if (text := on_disk(module)) is None else ast.unparse(ast.parse(text)),
    )
    assert code_digest.whole() == before


def test_the_digests_are_the_same_from_the_cache_and_without_it(monkeypatch, tmp_path):
    scope = Scope(frozenset({"files"}))
    first = Code()
    fresh = first.digest("figures.curves", scope)
    first.save()
    code_digest._cache.cache_clear()
    again = Code()
    assert again.digest("figures.curves", scope) == fresh and not again._cache._unsaved
    monkeypatch.setenv("LABREPORT_CACHE", "/dev/null/nowhere")
    nowhere = Code()
    assert nowhere.digest("figures.curves", scope) == fresh
    nowhere.save()


def test_what_is_ignored_or_chosen_from_a_registry_is_not_followed(package):
    before = place(package), digest(ignored={"models.helper"})
    assert before[0] != before[1]
    place(package, helper=HELPER.replace("0.5", "0.4"))
    assert digest(ignored={"models.helper"}) == before[1]
    package["labreport.models.helper"] = "TABLE = {'a': 1}\ndef scale(x):\n    return TABLE[x]\n"
    chosen = digest(registries={"models.helper.TABLE"})
    package["labreport.models.helper"] = package["labreport.models.helper"].replace(
        "1}", "1, 'b': 2}"
    )
    assert digest(registries={"models.helper.TABLE"}) == chosen != digest()


def test_the_digest_of_imported_code_is_that_of_what_was_imported(package, monkeypatch):
    place(package)
    monkeypatch.setitem(imported_source.texts, "labreport.models.helper", HELPER)
    before = Code(imported=True).digest("models.own.mine", Scope())
    package["labreport.models.helper"] = HELPER.replace("0.5", "0.4")
    assert Code(imported=True).digest("models.own.mine", Scope()) == before != digest()
    assert code_digest.changed_since_import(["labreport.models.helper", "labreport.files"]) == [
        "models/helper.py"
    ]


def test_a_module_that_is_not_python_is_named_with_its_line(package):
    place(package)
    package["labreport.models.helper"] = "RATE = 1\ndef scale(:\n"
    with pytest.raises(ValueError, match=r"models/helper.py, line 2: this is not Python"):
        digest()
    with pytest.raises(ValueError, match="there is no models.own.nothing in labreport"):
        digest("models.own.nothing")


def test_every_module_that_is_imported_keeps_its_source():
    from labreport import choices, staleness

    for module in (choices, staleness, code_digest):
        with open(module.__file__) as file:
            assert imported_source.texts[module.__name__] == file.read()
