"""Formulas in words, for those who cannot see them."""

import pytest

from labreport.core.i18n import speaking
from labreport.reporting.cleaning import clean
from labreport.reporting.pandoc import markdown_to_html
from labreport.reporting.spoken import words_of

WORDS = {
    r"\theta_{t+1} = \theta_t - \eta g": (
        "theta sub t plus 1, end of index, equals theta sub t minus eta g",
        "theta sub t más 1, fin del subíndice, es igual a theta sub t menos eta g",
    ),
    r"\theta_t + 1": ("theta sub t plus 1", "theta sub t más 1"),
    r"\frac{1}{1+e^{-x}}": (
        "the fraction 1, over 1 plus e to the power minus x, end of power, end of fraction",
        "la fracción 1, sobre 1 más e elevado a menos x, fin del exponente, fin de la fracción",
    ),
    r"\frac1N\sum_{i=1}^N x_i^2": (
        "1 over N the sum from i equals 1 to N of x sub i squared",
        "1 sobre N la suma desde i es igual a 1 hasta N de x sub i al cuadrado",
    ),
    r"\log \hat y \leq \sqrt{n}": (
        "the logarithm of y hat is at most the square root of n",
        "el logaritmo de y con circunflejo es menor o igual que la raíz cuadrada de n",
    ),
    r"\lim_{n\to\infty} \mathbf{W}^\top": (
        "the limit as n tends to infinity of W transposed",
        "el límite cuando n tiende a infinito de W traspuesta",
    ),
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}": (
        "the matrix row 1: a, b; row 2: c, d, end of matrix",
        "la matriz fila 1: a, b; fila 2: c, d, fin de la matriz",
    ),
    r"f(x) = \begin{cases} x & x > 0 \\ 0 & \text{else} \end{cases}": (
        "f open bracket x close bracket equals these cases: case 1: x, x is greater than 0; case 2:"
        " 0, else, end of cases",
        "f abre paréntesis x cierra paréntesis es igual a estos casos: caso 1: x, x es mayor que 0;"
        " caso 2: 0, else, fin de los casos",
    ),
    r"\arg\max_k p_k": (
        "the argument of the maximum over k of p sub k",
        "el argumento del máximo sobre k de p sub k",
    ),
    r"\underbrace{a}_{b}": ("", ""),
    r"a \Leftarrow b": ("", ""),
}


@pytest.fixture(scope="module")
def formulas():
    html = markdown_to_html([f"$${tex}$$" for tex in WORDS])
    return dict(zip(WORDS, (clean(fragment).find("math") for fragment in html)))


@pytest.mark.parametrize("tex", WORDS)
def test_a_formula_is_said_in_words_or_not_at_all(tex, formulas):
    for language, words in zip(("en", "es"), WORDS[tex]):
        with speaking(language):
            assert words_of(formulas[tex]) == words
