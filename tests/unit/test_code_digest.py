"""A digest changes with what code means, and with nothing else, however the code is reached."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labreport.core import imported_source, paths
from labreport.staleness import code_cache, code_digest, code_form, code_summary
from labreport.staleness.code_digest import Code, Scope

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


USED = "def scale(x):\n    return x * 2\n"
MINE = "def mine(x):\n    return scale(x)\n"
# Ways to reach a definition of another module: of each, a change there is seen.
WAYS = {
    "try": "try:\n    from .helper import scale\nexcept ImportError:\n    scale = None\n" + MINE,
    "except": (
        "try:\n    from scales import scale\nexcept ImportError:\n    from .helper import scale\n"
        + MINE
    ),
    "if": "import sys\nif sys.maxsize > 9:\n    from .helper import scale\n" + MINE,
    "with": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n"
        "    from . import helper\ndef mine(x):\n    return helper.scale(x)\n"
    ),
    "else of TYPE_CHECKING": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    scale = 1\n"
        "else:\n    from .helper import scale\n" + MINE
    ),
    "wrapped": "from .helper import scale\nscale = abs(scale)\n" + MINE,
    "defined before": "def scale(x):\n    pass\nfrom .helper import scale\n" + MINE,
    "the first of two": "from .helper import scale\nfrom math import scale\n" + MINE,
    "the last of two": "from math import scale\nfrom .helper import scale\n" + MINE,
    "handed on in try": "from .between import scale\n" + MINE,
    "of the package in try": "from . import scale\n" + MINE,
    "a branch of a function": (
        "def mine(x):\n    if x:\n        from .helper import scale\n"
        "    else:\n        from math import exp as scale\n    return scale(x)\n"
    ),
    "after the closure": (
        "def mine(x):\n    def inner():\n        return scale(x)\n"
        "    from .helper import scale\n    return inner()\n"
    ),
    "bound in a function too": (
        "def mine(x):\n    from .helper import scale\n    if x:\n"
        "        scale = abs\n    return scale(x)\n"
    ),
    "over a parameter": (
        "def mine(x, scale=None):\n    from .helper import scale\n    return scale(x)\n"
    ),
    "global in a function": (
        "def mine(x):\n    global scale\n    from .helper import scale\n    return scale(x)\n"
    ),
    "in a class": "class mine:\n    from .helper import scale\n    size = scale(3)\n",
    "as an attribute of a class": (
        "class Own:\n    from .helper import scale\ndef mine(x):\n    return Own.scale(x)\n"
    ),
    "in a local class": (
        "def mine(x):\n    class Own:\n        from .helper import scale\n    return Own.scale(x)\n"
    ),
    "a class's own name": "from .helper import scale\nclass mine:\n    scale = scale(3)\n",
    "a class's sum": "from .helper import scale\nclass mine:\n    scale += 1\n",
    "global in a class": (
        "scale = None\nclass Own:\n    global scale\n    from .helper import scale\n" + MINE
    ),
    "global below a local name": (
        "from .helper import scale\ndef mine(x):\n    scale = 1\n    def inner():\n        global"
        " scale\n        return scale(x)\n    return inner(), scale\n"
    ),
    "a star of a star": "from .stars import *\n" + MINE,
    "the second star": "from math import *\nfrom .other import *\nfrom .helper import *\n" + MINE,
    "a star over a name": "def scale(x):\n    pass\nfrom .helper import *\n" + MINE,
    "a star in try": "try:\n    from .helper import *\nexcept ImportError:\n    pass\n" + MINE,
    "another error": "from .helper import scale\ndef mine(x):\n    raise ValueError(scale(x))\n",
}


def own(package, source, helper=USED):
    """The digest of `mine` in a module of this source, beside a helper and what hands it on."""
    trying = "try:\n    from .helper import scale\nexcept ImportError:\n    scale = None\n"
    package.update(
        {
            "labreport.models.own": source,
            "labreport.models.helper": helper,
            "labreport.models.between": trying,
            "labreport.models.stars": "from .helper import *\n",
            "labreport.models.other": "def scale(x):\n    return -x\n",
            "labreport.models": trying,
        }
    )
    return digest()


@pytest.mark.parametrize("way", WAYS)
def test_a_change_is_seen_whichever_way_a_definition_is_reached(package, way):
    changed = USED.replace("* 2", "* 3")
    assert own(package, WAYS[way], changed) != own(package, WAYS[way])


OTHER = {
    "a captured name": (
        "def mine(x):\n    match x:\n        case [first, second]:\n            return RETURN\n",
        "first",
        "second",
    ),
    "a captured star": (
        "def mine(x):\n    match x:\n        case [a, *b]:\n            return RETURN\n",
        "a",
        "b",
    ),
    "a captured mapping": (
        "def mine(x):\n    match x:\n        case {1: a, **b}:\n            return RETURN\n",
        "a",
        "b",
    ),
    "what wraps an import": (
        "from .helper import scale\nscale = RETURN(scale)\n" + MINE,
        "abs",
        "max",
    ),
    "a definition that replaces an import": (
        "from .helper import scale\ndef scale(x):\n    return x * RETURN\n" + MINE,
        "3",
        "4",
    ),
    "a class's name from outside": ("RATE = RETURN\nclass mine:\n    RATE = RATE\n", "1", "2"),
    "a class's global": (
        "class Own:\n    global RATE\n    RATE = RETURN\ndef mine():\n    return RATE\n",
        "1",
        "2",
    ),
    "the order of two imports": (
        "def mine(x):\n    if x:\n        from .RETURN import scale\n    return scale(x)\n",
        "helper import scale\n    else:\n        from .other",
        "other import scale\n    else:\n        from .helper",
    ),
    "when a name is imported": (
        "FAST = RETURN\nif FAST:\n    from .helper import scale\nelse:\n"
        "    from .other import scale\n" + MINE,
        "True",
        "False",
    ),
    "a registering decorator": (
        (
            "import keras\n@keras.saving.register\ndef scale(x):\n    return RETURN\n"
            "def mine(x):\n    return x\n"
        ),
        "1",
        "2",
    ),
    "a registered overload": (
        (
            "import functools\n@functools.singledispatch\ndef mine(x):\n    return x\n"
            "@mine.register\ndef _(x: int):\n    return RETURN\n"
        ),
        "1",
        "2",
    ),
    "a decorated method": (
        (
            "import keras\nclass Own:\n    @keras.saving.register\n    def scale(x):\n"
            "        return x\n    size = RETURN\ndef mine(x):\n    return x\n"
        ),
        "1",
        "2",
    ),
    "a call whose value is bound": (
        "import keras\n_ = keras.config.set_floatx(RETURN)\ndef mine(x):\n    return x\n",
        "'float32'",
        "'float64'",
    ),
    "a call in a default": (
        (
            "import keras\ndef theirs(x=keras.config.set_floatx(RETURN)):\n    pass\n"
            "def mine(x):\n    return x\n"
        ),
        "'float32'",
        "'float64'",
    ),
    "a call in a class": (
        (
            "import keras\nclass Own:\n    size = keras.config.set_floatx(RETURN)\n"
            "def mine(x):\n    return x\n"
        ),
        "'float32'",
        "'float64'",
    ),
    "else of main": (
        (
            "if __name__ == '__main__':\n    RATE = 0\nelse:\n    RATE = RETURN\n"
            "def mine():\n    return RATE\n"
        ),
        "1",
        "2",
    ),
    "a number of an error": ("def mine():\n    raise SystemExit(RETURN)\n", "3", "4"),
    "a keyword of an error": ("def mine():\n    raise OSError('a', errno=RETURN)\n", "3", "4"),
    "where a number of an error is": ("def mine():\n    raise OSError(RETURN)\n", "3", "'a', 3"),
    "a walrus in an error": (
        (
            "def mine(x):\n    try:\n        raise ValueError(f'{(x := RETURN)}')\n"
            "    except ValueError:\n        return x\n"
        ),
        "3",
        "4",
    ),
    "a local function progress": (
        "def mine(found):\n    def progress(n):\n        found.append(n)\n    progress(RETURN)\n",
        "1",
        "2",
    ),
    "a progress that is bound again": (
        "def mine(found, progress):\n    progress = found.append\n    progress(RETURN)\n",
        "1",
        "2",
    ),
    "a progress of the module": (
        "from .helper import scale as progress\ndef mine(found):\n    progress(RETURN)\n",
        "1",
        "2",
    ),
    "a walrus in progress": (
        "def mine(x, progress):\n    progress(y := x + RETURN)\n    return y\n",
        "1",
        "2",
    ),
    "the name of a class with a base": (
        "import keras\nclass RETURN(keras.Layer):\n    pass\ndef mine():\n    return RETURN()\n",
        "Dense",
        "Thick",
    ),
    "the name of a local class with a base": (
        (
            "import keras\ndef mine():\n    class RETURN(keras.Layer):\n        pass\n"
            "    return RETURN()\n"
        ),
        "Dense",
        "Thick",
    ),
    "a name of one of other packages' stars": (
        "from RETURN import *\ndef mine():\n    return Dense()\n",
        "keras.layers",
        "torch.nn",
    ),
    "a default in else": (
        "def mine(x):\n    for y in x:\n        break\n    else:\n        return RETURN\n",
        "1",
        "2",
    ),
    "a field of a dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass mine:\n    x: int\n    RETURN\n",
        "",
        "y: int",
    ),
    "a very long number": ("def mine():\n    return 0xRETURN" + "0" * 5000 + "\n", "1", "2"),
}


@pytest.mark.parametrize("case", OTHER)
def test_what_else_means_something_changes_the_digest(package, case):
    source, old, new = OTHER[case]
    assert own(package, source.replace("RETURN", old)) != own(
        package, source.replace("RETURN", new)
    )


SAME = {
    "an optional package": (
        "def mine(x):\n    return x\n",
        "try:\n    import cupy\nexcept ImportError:\n    cupy = None\ndef mine(x):\n    return x\n",
    ),
    "nested statements that bind": (
        "def mine(x):\n    return x\n",
        (
            "import sys\nif sys.maxsize > 9:\n    try:\n        import cupy as np\n"
            "    except ImportError:\n        import numpy as np\n    def theirs():\n        pass\n"
            "else:\n    np: object = None\n    class Theirs:\n        pass\n"
            "def mine(x):\n    return x\n"
        ),
    ),
    "calls that only make a value": (
        "def mine(x):\n    return x\n",
        (
            "import re, functools, logging\nfrom pathlib import Path\n"
            "from dataclasses import dataclass, field\n"
            "A = re.compile('a')\nB = functools.partial(max, 1)\nC = logging.getLogger('c')\n"
            "D = sorted(Path(__file__).with_suffix('.txt').name.split())\n"
            "@dataclass(frozen=True)\nclass Theirs:\n    x: list = field(default_factory=list)\n"
            "    @property\n    def y(self):\n        return 1\n    @y.setter\n"
            "    def y(self, new):\n        pass\n"
            "@functools.lru_cache(8)\ndef theirs(x):\n    pass\ndef mine(x):\n    return x\n"
        ),
    ),
    "an annotated local name": (
        "def mine(x):\n    row = {}\n    return row\n",
        "def mine(x):\n    row: dict = {}\n    return row\n",
    ),
    "an annotated attribute of a class": (
        "class mine:\n    x = 1\n",
        "class mine:\n    y: int\n    x: int = 1\n",
    ),
    "an annotated attribute of an object": (
        "def mine(x):\n    x.y = 1\n",
        "def mine(x):\n    x.y: int = 1\n",
    ),
    "a bare annotation in a body": (
        "def mine(x):\n    if x:\n        pass\n",
        "def mine(x):\n    if x:\n        y: int\n",
    ),
    "a bare annotation beside an import": (
        "from .helper import scale\n" + MINE,
        "from .helper import scale\nscale: object\n" + MINE,
    ),
    "else: pass": (
        "def mine(x):\n    for y in x:\n        print(y)\n",
        "def mine(x):\n    for y in x:\n        print(y)\n    else:\n        pass\n",
    ),
    "a body of progress alone": (
        "def mine(x, progress):\n    if x:\n        pass\n",
        "def mine(x, progress):\n    if x:\n        progress(f'{x} of 3')\n",
    ),
    "progress of the function around": (
        "def mine(x, progress):\n    def inner(y):\n        return y\n    return inner(x)\n",
        (
            "def mine(x, progress):\n    def inner(y):\n        progress(y)\n        return y\n"
            "    return inner(x)\n"
        ),
    ),
    "the message of an assert": (
        "def mine(x):\n    assert x\n",
        "def mine(x):\n    assert x, f'{x} is 0'\n",
    ),
    "texts of errors": (
        "def mine(x):\n    raise ValueError\n",
        (
            "def mine(x):\n    raise ValueError('a %s' % x, 'a' + x, x + 'a', 'a {}'.format(x),"
            " ', '.join(x), 'a' if x else f'{x}')\n"
        ),
    ),
    "a captured name's spelling": (
        (
            "def mine(x):\n    match x:\n        case [a, *b]:\n            return a, b\n"
            "        case {1: c, **d}:\n            return c, d\n"
        ),
        (
            "def mine(x):\n    match x:\n        case [e, *f]:\n            return e, f\n"
            "        case {1: g, **h}:\n            return g, h\n"
        ),
    ),
    "the name of a class without a base": (
        "class Own:\n    pass\ndef mine():\n    return Own()\n",
        "class Mine:\n    pass\ndef mine():\n    return Mine()\n",
    ),
    "a name imported twice": (
        "from .helper import scale\n" + MINE,
        "from .helper import scale\nfrom .helper import scale\n" + MINE,
    ),
    "what is imported for its types": (
        "from .helper import scale\n" + MINE,
        "from .helper import scale\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from .other import scale\n    import other\n" + MINE,
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_what_else_means_nothing_changes_nothing(package, case):
    before, after = SAME[case]
    assert own(package, before) == own(package, after)


@pytest.mark.parametrize(
    "source",
    [
        "def mine(x):\n    from . import helper\n    return x\n",
        "import labreport.models.helper\ndef mine(x):\n    return x\n",
        "def theirs():\n    import labreport.models.helper\ntheirs()\ndef mine(x):\n    return x\n",
        (
            "import keras\n@keras.saving.register\ndef theirs():\n    from . import helper\n"
            "def mine(x):\n    return x\n"
        ),
    ],
)
def test_what_a_module_does_counts_wherever_it_is_imported(package, source):
    package["labreport.models"] = ""
    package["labreport.models.own"] = source
    package["labreport.models.helper"] = USED
    before = digest()
    package["labreport.models.helper"] = USED.replace("* 2", "* 3")
    assert digest() == before
    package["labreport.models.helper"] += "import keras\nkeras.config.set_floatx('a')\n"
    assert digest() != before
    assert digest(ignored={"models.helper"}) == before


def test_nothing_of_this_package_acts_when_imported_but_what_is_meant_to():
    code, acting = Code(), set()
    for path in paths.PACKAGE.rglob("*.py"):
        parts = path.relative_to(paths.PACKAGE).with_suffix("").parts
        module = ".".join(("labreport", *parts)).removesuffix(".__init__")
        acting |= {module.partition(".")[2]} if code._summary(module)["loose"] else set()
    assert acting == {
        "",
        "config.yaml_reader",
        "core.files",
        "core.progress_log",
        "executors",
        "executors.forkserver_session",
        "reporting.cleaning",
        "reporting.formats",
        "reporting.pictures",
    }


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


def test_an_empty_piece_of_text_that_one_python_sees_and_another_does_not_is_nothing():
    forms = []
    for pieces in ([], [ast.Constant("")]):  # Python 3.12.1 ends the format with one
        tree = ast.parse("f'{x:{y}}'")
        tree.body[0].value.values[0].format_spec.values += pieces
        emitter = code_form.Emitter(code_summary._Module("labreport.own", False))
        emitter.emit(tree)
        forms.append(emitter.result())
    assert forms[0] == forms[1]


def test_the_digests_are_the_same_from_the_cache_and_without_it(monkeypatch, tmp_path):
    scope = Scope(frozenset({"core.files"}))
    first = Code()
    fresh = first.digest("analysis.figures.curves", scope)
    first.save()
    code_cache.cache.cache_clear()
    again = Code()
    assert again.digest("analysis.figures.curves", scope) == fresh and not again._cache._unsaved
    monkeypatch.setenv("LABREPORT_CACHE", "/dev/null/nowhere")
    nowhere = Code()
    assert nowhere.digest("analysis.figures.curves", scope) == fresh
    nowhere.save()


def test_what_is_ignored_or_chosen_from_a_registry_is_not_followed(package):
    table = "TABLE = {'a': 1}\ndef scale(x):\n    return TABLE[x]\n"

    def digests(**scope):
        return [
            own(package, "from .helper import scale\n" + MINE, text) and digest(**scope)
            for text in (table, table.replace("1}", "1, 'b': 2}"))
        ]

    for scope in ({"ignored": {"models.helper"}}, {"registries": {"models.helper.TABLE"}}):
        before, after = digests(**scope)
        assert before == after
    before, after = digests()
    assert before != after


def test_the_digest_of_imported_code_is_that_of_what_was_imported(package, monkeypatch):
    place(package)
    monkeypatch.setitem(imported_source.texts, "labreport.models.helper", HELPER)
    before = Code(imported=True).digest("models.own.mine", Scope())
    package["labreport.models.helper"] = HELPER.replace("0.5", "0.4")
    assert Code(imported=True).digest("models.own.mine", Scope()) == before != digest()
    assert code_digest.changed_since_import(
        ["labreport.models.helper", "labreport.core.files"]
    ) == ["models/helper.py"]


def test_a_module_that_is_not_python_is_named_with_its_line(package):
    place(package)
    package["labreport.models.helper"] = "RATE = 1\ndef scale(:\n"
    with pytest.raises(ValueError, match=r"models/helper.py, line 2: this is not Python"):
        digest()
    with pytest.raises(ValueError, match="there is no models.own.nothing in labreport"):
        digest("models.own.nothing")


UNREADABLE = {
    "NUL": (b"RATE = 1\0\n", "this is not Python: source code.*null bytes"),
    "a long number": (b"\nRATE = " + b"9" * 4301, "^models/helper.py, line 2: this is not Python"),
    "depth": (b"RATE = 1" + b" + 1" * 5000, "^models/helper.py: .*nested too deeply; split it$"),
    "bytes": (b"#\n#\nRATE = '\xe9'\n", "^models/helper.py, line 3: this is .*save it as UTF-8$"),
    "encoding": (b"# coding: klingon\nRATE = 1\n", "^models/helper.py: .*save it as UTF-8$"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named_by_what_uses_it_alone(monkeypatch, tmp_path, case):
    source, message = UNREADABLE[case]
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (tmp_path / "__init__.py").touch()
    (folder / "own.py").write_text("from .helper import RATE\ndef mine():\n    return RATE\n")
    (folder / "helper.py").write_text("RATE = 1\n")
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    monkeypatch.setitem(imported_source.texts, "labreport.models.helper", "RATE = 1\n")
    wholes = [code_digest.whole()]
    assert code_digest.changed_since_import(["labreport.models.helper"]) == []
    (folder / "helper.py").write_bytes(source)
    with pytest.raises(ValueError, match="models/helper.py") as error:
        digest()
    assert error.match(message) and "\n" not in str(error.value)
    assert code_digest.changed_since_import(["labreport.models.helper"]) == ["models/helper.py"]
    wholes += [code_digest.whole()]
    (folder / "helper.py").write_bytes(source.replace(b"RATE", b"RATES"))
    wholes += [code_digest.whole()]
    assert len(set(wholes)) == 3 and code_digest.whole() == wholes[-1]


@pytest.mark.parametrize(
    "source", [b"\xef\xbb\xbfRATE = 'e'\r\n", b"# coding: latin-1\nRATE = 'e'\n"]
)
def test_a_file_counts_by_its_characters_whatever_their_encoding(monkeypatch, tmp_path, source):
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    (tmp_path / "own.py").write_text("RATE = 'e'\n")
    (tmp_path / "__init__.py").touch()
    plain = digest("own.RATE")
    (tmp_path / "own.py").write_bytes(source)
    assert digest("own.RATE") == plain
    (tmp_path / "own.py").write_bytes(source.replace(b"'e'", b"'\xc3\xa9'"))
    assert digest("own.RATE") != plain


def cells(*texts, scope=Scope()):  # noqa: B008 - frozen
    return Code().digest_of_cells(texts, scope)


NAMED = "from labreport.models.helper import scale\n"


@pytest.mark.parametrize(
    "text",
    [
        'print("%d of %d"\n% (1, 2))',
        "if True:\n    %matplotlib inline",
        "x = !ls",
        "x = %time 3",
        "?print",
        "print?",
        "%%bash\necho 'a\n",
        "!pip install \\\n    keras",
        "%%time\n%%bash\necho",
        "not Python at all",
        "def scale(:",
        "x = 1\0",
        "x = 1" + " + 1" * 5000,
        "x = " + "9" * 5000,
        "%time get_ipython().run_line_magic(x, 'y')",
        "",
    ],
)
def test_a_cell_is_never_refused_and_hides_nothing_of_the_others(package, text):
    own(package, "mine = 1\n")
    found = cells(NAMED, text, "scale(2)")
    assert list(found.uses) == ["models.helper.scale"]
    assert found.digest == cells(NAMED, text, "scale(2)").digest
    assert found.digest != cells(NAMED, text + "1", "scale(2)").digest


@pytest.mark.parametrize(
    "text",
    ["%time scale(2)", "x = %time scale(2)", "%%time\nscale(2)", "%%capture x\n%time scale(2)"],
)
def test_what_a_magic_of_ipython_runs_is_followed(package, text):
    own(package, "mine = 1\n")
    assert list(cells(NAMED, text).uses) == ["models.helper.scale"]
    assert cells(text.replace("scale", "abs")).uses == {}
    assert cells(NAMED, text).digest != cells(NAMED, text.replace("2", "3")).digest


def test_what_cells_use_stands_in_the_order_of_its_use(package):
    own(package, "mine = 1\n", "def a():\n    pass\ndef b():\n    pass\nc = 1\n")
    found = cells("from labreport.models.helper import a, b, c", "c; b()", "def f():\n    a(c)\nb")
    assert list(found.uses) == ["models.helper.c", "models.helper.b", "models.helper.a"]


def test_cells_that_import_a_name_twice_use_both(package):
    own(package, "mine = 1\n")
    other = NAMED.replace("helper", "other")
    found = cells(NAMED, "scale(2)", other, "scale(2)")
    assert list(found.uses) == ["models.helper.scale", "models.other.scale"]
    assert found.digest != cells(NAMED, other, "scale(2)", "scale(2)").digest
    stars = cells("from math import *\nfrom labreport.models.helper import *", "scale(exp(2))")
    assert list(stars.uses) == ["models.helper.scale"]
    assert cells("a", "from math import *").digest != cells("a", "from cmath import *").digest


def test_modules_name_all_that_is_executed_with_a_definition(package):
    own(package, "from . import other\ndef mine():\n    from . import stars\n")
    assert Code().modules(["models.own.mine"], Scope()) == [
        "labreport",
        "labreport.core",
        "labreport.core.imported_source",
        "labreport.models",
        "labreport.models.helper",
        "labreport.models.other",
        "labreport.models.own",
        "labreport.models.stars",
    ]


def test_a_star_of_another_package_reads_no_module_of_this_one(package):
    own(package, "from keras.losses import *\ndef mine():\n    return LOSSES\n")
    assert "keras.losses" not in Code().modules(["models.own.mine"], Scope())


def test_every_way_has_the_same_digest_from_the_cache(package):
    code_cache.cache.cache_clear()
    fresh = [own(package, source) for source in WAYS.values()]
    Code().save()
    code_cache.cache.cache_clear()
    assert [own(package, source) for source in WAYS.values()] == fresh
    assert not Code()._cache._unsaved


@pytest.fixture
def scratch(tmp_path):
    """A copy of the loader's package with a module of its own, and what a Python prints of it."""
    package = tmp_path / "labreport"
    (package / "core").mkdir(parents=True)
    for name in ("__init__.py", "core/__init__.py", "core/imported_source.py"):
        shutil.copy(paths.PACKAGE / name, package / name)
    (package / "own.py").write_text("RATE = 1\n")
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }

    def run(code, *options):
        command = [sys.executable, *options, "-c", code]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": "."},
            text=True,
            check=True,
            capture_output=True,
        ).stdout

    return package, run


SHOWN = (
    "from labreport import own; from labreport.core import imported_source as i;"
    " print(own.RATE, i.texts['labreport.own'])"
)


def test_the_text_that_is_recorded_is_that_of_the_code_that_runs(scratch):
    package, run = scratch
    source = package / "own.py"
    before = source.stat()
    assert run(SHOWN) == "1 RATE = 1\n\n"
    source.write_text("RATE = 2\n")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run(SHOWN) == "2 RATE = 2\n\n"
    compiled = list((package / "__pycache__").glob("own.*.pyc"))
    assert len(compiled) == 1 and compiled[0].read_bytes()[4:8] == b"\3\0\0\0"
    written = compiled[0].stat()
    assert run(SHOWN) == "2 RATE = 2\n\n" and compiled[0].stat().st_ino == written.st_ino
    # What others compiled is not believed, whatever it says of its age.
    for mode in ("unchecked-hash", "timestamp"):
        run(
            "import py_compile as p; p.compile('labreport/own.py', "
            f"invalidation_mode=p.PycInvalidationMode.{mode.replace('-', '_').upper()})"
        )
        before = source.stat()
        source.write_text("RATE = 3\n" if "3" not in source.read_text() else "RATE = 4\n")
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
        number = source.read_text().split()[-1]
        assert run(SHOWN, "--check-hash-based-pycs", "never") == f"{number} RATE = {number}\n\n"


def test_a_module_that_is_loaded_again_keeps_its_first_text(scratch):
    package, run = scratch
    code = (
        "import importlib, pathlib; from labreport import own;"
        "from labreport.core import imported_source as i;"
        "from labreport.own import RATE;"
        "pathlib.Path(own.__file__).write_text('RATE = 2\\n'); importlib.reload(own);"
        "print(RATE, own.RATE, i.texts['labreport.own'])"
    )
    assert run(code) == "1 2 RATE = 1\n\n"


def test_every_module_that_is_imported_keeps_its_source():
    import labreport
    from labreport.config import registry
    from labreport.staleness import rules as staleness

    for module in (labreport, imported_source, registry, staleness, code_digest):
        text = Path(module.__file__).read_text("utf-8")
        assert imported_source.texts[module.__name__] == text


def test_the_digests_do_not_depend_on_the_process(tmp_path):
    names = ["models.cifar10.naive", "analysis.figures.curves"]
    cells = [
        "from labreport.analysis import figures; from labreport import models\n"
        "figures.curves(models.build)"
    ]
    code = f"""if True:
        from labreport.staleness.code_digest import Code, Scope
        code, scope = Code(), Scope(frozenset(["core.files", "core.paths"]))
        print(code.digest_of_cells({cells}, scope), *(code.digest(one, scope) for one in {names}))
    """
    seeds = {os.environ.get("PYTHONHASHSEED"), "1", "2"}
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "LABREPORT_CACHE": str(tmp_path / seed)},
            text=True,
            check=True,
            capture_output=True,
        ).stdout
        for seed in filter(None, seeds)
    }
    assert len(found) == 1
