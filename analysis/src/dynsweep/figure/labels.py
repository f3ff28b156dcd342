"""Text of a figure, from the symbols and long names in a file."""

from __future__ import annotations

import math
import re
import textwrap

import numpy as np
import xarray as xr

_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    "upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
#: A long name is used in a label up to this many characters; then the plain name stands in.
_LONGEST_PHRASE = 44
_LABEL_WIDTH = 40


def math_symbol(symbol: str) -> str | None:
    r"""Return a symbol as mathtext without dollars, or None when it is a word.

    ``gamma`` becomes ``\gamma``, ``m_0`` stays, ``step_size`` is no symbol. A symbol that
    already holds LaTeX is taken as it is.
    """
    if not symbol:
        return None
    if "\\" in symbol or "^" in symbol:
        # mathtext knows \Vert but not \|.
        return symbol.replace(r"\|", r"\Vert ")
    head, _, index = symbol.partition("_")
    if _GREEK.fullmatch(head):
        head = "\\" + head
    elif len(head) > 1:
        return None
    if not index:
        return head
    if _GREEK.fullmatch(index):
        index = "\\" + index
    elif len(index) > 3:
        index = rf"\mathrm{{{index}}}"
    return f"{head}_{{{index}}}"


def phrase(variable: xr.DataArray) -> str:
    """Return what a variable is in a few words: the first clause of its long name, or its name.

    A case in front is left out: "attention: prescribed overlap" is a prescribed overlap.
    """
    name = str(variable.name).replace("_", " ")
    text = re.sub(r"^\w+(,? \w+)?(, \w+)*:", "", str(variable.attrs.get("long_name", "")))
    clause = re.split(r"[;:,(]", text, maxsplit=1)[0].strip()
    return clause if 0 < len(clause) <= _LONGEST_PHRASE else name


def axis_label(variable: xr.DataArray) -> str:
    """Return the label of an axis: words, symbol, and units if there are any."""
    symbol = math_symbol(str(variable.attrs.get("symbol", variable.name)))
    words = phrase(variable)
    if symbol is not None and words in (str(variable.name), variable.attrs.get("symbol")):
        words = ""
    units = str(variable.attrs.get("units", "1"))
    # "rescaled time t [t]" and "algorithm steps [steps]" say things twice.
    said = units in ("1", "", variable.attrs.get("symbol")) or units in words.split()
    typeset = " ".join(_typeset(word) for word in words.split())
    # A phrase with a symbol of its own ("SGD step gamma_0") needs no other.
    shown = f"${symbol}$" if symbol and "$" not in typeset else ""
    parts = [typeset, shown, "" if said else f"[{units}]"]
    # The symbol stays on the line of the last word.
    return _wrap("\N{NO-BREAK SPACE}".join(part for part in parts if part))


def _wrap(text: str) -> str:
    """Break a long label into lines; mathtext counts as it looks, not as it is written."""
    formulas = re.findall(r"\$[^$]*\$", text)
    plain = re.sub(r"\$[^$]*\$", "\0\0", text)
    pieces = iter(formulas)
    return re.sub("\0\0", lambda _: next(pieces), textwrap.fill(plain, _LABEL_WIDTH))


def _typeset(word: str) -> str:
    """Return a word that is a symbol (``gamma_0``) as mathtext, any other as it is."""
    is_symbol = _GREEK.fullmatch(word) or re.fullmatch(r"[A-Za-z]+_\w+", word)
    symbol = math_symbol(word) if is_symbol else None
    return f"${symbol}$" if symbol else word


def number(value: object) -> str:
    """Return a value as text: numbers short, with powers of ten in mathtext."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return _power(float(value)) if abs(int(value)) >= 100_000 else str(int(value))
    if isinstance(value, (float, np.floating)):
        if value != 0 and math.isfinite(value) and not 1e-3 <= abs(value) < 1e5:
            return _power(float(value))
        return f"{value:.4g}"
    return str(value)


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    front = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${front}10^{{{int(exponent)}}}$"


def equation(variable: xr.DataArray, value: object) -> str:
    """Return ``$L$ = 4`` for numbers, with the symbol where there is one; ``student: tied``."""
    symbol = math_symbol(str(variable.attrs.get("symbol", variable.name)))
    if isinstance(value, (str, bool)):
        value = number(value)
        return f"{str(variable.name).replace('_', ' ')}: {value}"
    return f"${symbol}$ = {number(value)}" if symbol else f"{_plain(variable)} = {number(value)}"


def heading(variable: xr.DataArray) -> str:
    """Return the heading of a list of a variable's values: its symbol, or its name."""
    symbol = math_symbol(str(variable.attrs.get("symbol", variable.name)))
    return f"${symbol}$" if symbol else _plain(variable)


def _plain(variable: xr.DataArray) -> str:
    return str(variable.name).replace("_", " ")
