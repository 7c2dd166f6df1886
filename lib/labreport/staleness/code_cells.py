"""The code of a notebook's cells, IPython's own syntax among it."""

import ast

from .code_summary import parsed, summarised_cells

_RUN_CODE = {"time", "timeit", "capture", "prun"}  # magics whose argument is Python
_NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)


def statements(text: str) -> list[ast.stmt]:
    """The statements of a cell of a notebook."""
    try:
        tree = parsed(text)
    except _NOT_PYTHON:
        from IPython.core.inputtransformer2 import TransformerManager  # slow, and seldom needed

        try:
            tree = _MagicsRun().visit(parsed(TransformerManager().transform_cell(text)))
        except _NOT_PYTHON:
            return [_as_text(text)]
    try:
        summarised_cells([tree.body])
    except _NOT_PYTHON:  # nested too deeply
        return [_as_text(text)]
    silent = [_as_text(";")] if text.rstrip().endswith(";") else []  # its last value is not shown
    return tree.body + silent


def _as_text(text: str) -> ast.Expr:
    return ast.Expr(ast.Constant(text))


class _MagicsRun(ast.NodeTransformer):
    """Replaces `%time` and `%%time`, as IPython writes them in Python, by the code they run."""

    def visit_Expr(self, node):
        return self._run(node.value) or self.generic_visit(node)

    def visit_Call(self, node):
        match self._run(node):
            case [ast.Expr() as magic, ast.Expr() as code]:
                return ast.Tuple([magic.value, code.value], ast.Load())
        return self.generic_visit(node)

    @staticmethod
    def _run(call) -> list[ast.stmt]:
        match call:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"),
                args=[ast.Constant(name), *options, ast.Constant(str(code))],
            ) if name in _RUN_CODE:
                return [
                    _as_text(f"%{name} {[ast.dump(one) for one in options]}"),
                    *statements(code),
                ]
        return []
