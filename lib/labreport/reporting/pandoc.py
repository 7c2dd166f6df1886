"""What pandoc does here: markdown -> HTML with MathML, TeX formulas -> Typst, BibTeX -> HTML.

A call costs about 80 ms whatever its size, so every function takes everything a notebook has at
once.
"""

import functools
import json
import re
import subprocess
from pathlib import Path

# Jupyter's dialect is CommonMark with tables and mathematics; pandoc's own markdown wants a blank
# line before a list.
_DIALECT = (
    "commonmark+pipe_tables+strikeout+task_lists+autolink_bare_uris"
    "+footnotes+tex_math_dollars+raw_html"
)
_ENVIRONMENTS = (
    "equation|align|alignat|gather|multline|eqnarray|flalign|split|aligned|gathered|cases"
    "|[pbvBV]?matrix"
)
_CODE_OR_MATH = re.compile(
    rf"""
      (?P<fence>^[ ]{{0,3}}(?P<mark>`{{3,}}|~{{3,}})[^\n]*\n.*?(?:^[ ]{{0,3}}(?P=mark)[`~]*[ \t]*$
                |\Z))
    | (?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<escaped>\\\$)
    | \$\$(?P<display>.+?)\$\$
    | (?P<inline>\$(?=\S)[^$\n]*(?:\n[^$\n]+)*\$)
    | (?P<bare>\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}.*?\\end\{{(?P=name)\}})
    | \\\\\[(?P<brackets>.+?)\\\\\]
    | \\\\\((?P<parentheses>.+?)\\\\\)
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@functools.cache
def _program() -> str:
    import pypandoc

    return pypandoc.get_pandoc_path()


def _run(text: str, source: str, target: str, *options: str) -> str:
    done = subprocess.run(
        [
            _program(),
            "--sandbox",
            "--quiet",
            "--wrap=preserve",
            "-f",
            source,
            "-t",
            target,
            *options,
        ],
        input=text.encode("utf-8", "replace"),
        capture_output=True,
    )
    if done.returncode:
        raise RuntimeError(
            f"pandoc ({source} -> {target}) failed:"
            f" {done.stderr.decode('utf-8', 'replace').strip()}"
        )
    return done.stdout.decode("utf-8")


def markdown_to_html(sources: list[str]) -> list[str]:
    """One HTML fragment for each markdown source; mathematics as MathML that keeps its TeX as an
    annotation.
    """
    prepared = [_with_plain_dollars(source) for source in sources]
    # Footnotes are gathered at the end of a conversion, so a source with footnotes is converted by
    # itself.
    together = [number for number, source in enumerate(prepared) if "[^" not in source]
    fragments = dict(zip(together, _all_at_once([prepared[number] for number in together])))
    return [
        fragments[number] if number in fragments else _html(source, f"--id-prefix=cell{number}-")
        for number, source in enumerate(prepared)
    ]


def _html(text: str, *options: str) -> str:
    return (
        _run(text, _DIALECT, "html5", "--mathml", "--syntax-highlighting=none", *options)
        if text.strip()
        else ""
    )


def _all_at_once(sources: list[str]) -> list[str]:
    # A cell can swallow the boundary after it (an unclosed fence or comment); then each is
    # converted alone.
    boundary = "labreportcellboundary"
    joined = _html(f"\n\n{boundary}\n\n".join(sources))
    fragments = re.split(rf"<p>{boundary}</p>", joined)
    if len(fragments) == len(sources) and boundary not in "".join(fragments):
        return fragments
    return [_html(source) for source in sources]


def _with_plain_dollars(source: str) -> str:
    """Jupyter takes bare environments, \\\\( \\\\) and \\\\[ \\\\] for mathematics; pandoc's
    CommonMark takes dollars only.
    """

    def replacement(found):
        display = found["display"] or found["bare"] or found["brackets"]
        if display:
            # a blank line would end the paragraph and the formula
            body = re.sub(r"\n\s*\n", "\n", display.strip())
            return f"$${_with_visible_tags(body)}$$"
        if found["parentheses"]:
            return f"${found['parentheses'].strip()}$"
        return found[0]

    return _CODE_OR_MATH.sub(replacement, source.replace("\r\n", "\n"))


def _with_visible_tags(tex: str) -> str:
    r"""pandoc drops \tag{1}; a number in parentheses after the formula is what it stands for."""
    return re.sub(r"\\tag\*?\{([^{}]*)\}", r"\\qquad\\text{(\1)}", tex)


def bibliography(bibtex: str, style: Path, language: str) -> str:
    """An HTML list of all entries, written as a CSL style says, with words of a language."""
    return _run(bibtex, "bibtex", "html5", "--citeproc", f"--csl={style}", f"-Mlang={language}")


def tex_to_typst(formulas: list[tuple[str, bool]]) -> list[str]:
    """Typst's `$...$` for each (TeX, display) pair; "" where pandoc cannot read the TeX."""
    if not formulas:
        return []
    boundary = "// labreport formula boundary"
    blocks: list[dict] = []
    for tex, display in formulas:
        kind = {"t": "DisplayMath" if display else "InlineMath"}
        blocks.append({"t": "RawBlock", "c": ["typst", boundary]})
        blocks.append({"t": "Para", "c": [{"t": "Math", "c": [kind, tex]}]})
    tree = {"pandoc-api-version": [1, 23, 1], "meta": {}, "blocks": blocks}
    parts = [part.strip() for part in _run(json.dumps(tree), "json", "typst").split(boundary)[1:]]
    if len(parts) != len(formulas):
        return [""] * len(formulas)
    return [
        part if re.fullmatch(r"\$[^$]+\$", part.replace(r"\$", "dollar")) else "" for part in parts
    ]
