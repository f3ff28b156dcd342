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
_LONGEST_PHRASE = 60
_LABEL_WIDTH = 44


def math_symbol(symbol: str) -> str | None:
    r"""Return a symbol as mathtext without dollars, or None when it is a word.

    ``gamma`` becomes ``\gamma``, ``lambda0`` gets a subscript, ``step_size`` is no symbol. A
    symbol that already holds LaTeX is taken as it is.
    """
    if not symbol:
        return None
    if "\\" in symbol or "^" in symbol:
        # mathtext knows \Vert but not \|.
        return symbol.replace(r"\|", r"\Vert ")
    head, _, index = symbol.partition("_")
    if numbered := re.fullmatch(r"([A-Za-z]+)(\d)", symbol):
        head, index = numbered.groups()
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


def symbol_of(variable: xr.DataArray) -> str | None:
    """Return a variable's symbol as mathtext without dollars, or None.

    A name that is a symbol itself (``L``, ``alpha``) is the one the job's author knows; else it is
    that of the model's page.
    """
    name = str(variable.name)
    own = None if "_" in name else math_symbol(name)
    return own or math_symbol(str(variable.attrs.get("symbol", "")))


def apart(*variables: xr.DataArray | None) -> list[xr.DataArray | None]:
    """Return the variables, a later one without its symbol where an earlier one has the same.

    Models use letters twice (k for steps and for columns); a figure must not. A kernel's other time
    gets a prime.
    """
    seen: set[str] = set()
    found: list[xr.DataArray | None] = []
    for variable in variables:
        symbol = None if variable is None else symbol_of(variable)
        if variable is not None and symbol in seen:
            is_prime = str(variable.name).endswith("_prime")
            symbol = rf"{symbol}^{{\prime}}" if is_prime else ""
            variable = variable.assign_attrs(symbol=symbol)
        elif symbol is not None:
            seen.add(symbol)
        found.append(variable)
    return found


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
    symbol = symbol_of(variable)
    words = phrase(variable)
    is_said = words == variable.attrs.get("symbol") or math_symbol(str(variable.name)) == symbol
    if (
        symbol is not None
        and is_said
        and words in (str(variable.name), variable.attrs.get("symbol"))
    ):
        words = ""  # the symbol is the name; "noise" stays beside its Delta
    units = str(variable.attrs.get("units", "1"))
    # "rescaled time t [t]" and "algorithm steps [steps]" say things twice.
    said = units in ("1", "", variable.attrs.get("symbol")) or units in words.split()
    typeset = " ".join(_typeset(word) for word in words.split())
    if "$" in typeset:
        # Beside a formula, W/|W| is one too.
        typeset = " ".join(_typeset(word, r"[\^*_|]") for word in words.split())
    # A phrase with a symbol of its own ("SGD step gamma_0") needs no other.
    shown = f"${symbol}$" if symbol and "$" not in typeset else ""
    # A matrix at the end ("entries of S") is no factor of the symbol after it.
    comma = "," if shown and re.search(r"(?<!\w)[A-Z]$", typeset) else ""
    parts = [typeset + comma, shown, "" if said else f"[{units}]"]
    # The symbol stays on the line of the last word.
    return _wrap("\N{NO-BREAK SPACE}".join(part for part in parts if part))


def _wrap(text: str) -> str:
    """Break a long label into lines; mathtext counts as it looks, not as it is written."""
    formulas = re.findall(r"\$[^$]*\$", text)
    plain = re.sub(r"\$[^$]*\$", "\0\0", text)
    pieces = iter(formulas)
    return re.sub("\0\0", lambda _: next(pieces), textwrap.fill(plain, _LABEL_WIDTH))


def _typeset(word: str, marks: str = r"[\^*_]") -> str:
    """Return a word that is a formula (``gamma_0``, ``W^T``, ``|k.k*|``) as mathtext."""
    letters = re.findall(r"[A-Za-z]+", re.sub(r"_\w+", "", word))
    is_ratio = re.fullmatch(r"[A-Za-z]/[A-Za-z]", word) and word != "w/o"
    is_formula = is_ratio or _GREEK.fullmatch(word) or re.search(marks, word)
    if not is_formula or not all(len(part) == 1 or _GREEK.fullmatch(part) for part in letters):
        return word
    text = re.sub(r"_(\w+)", lambda found: _index(found[1]), word)
    text = re.sub(r"\^(\w+)", r"^{\1}", text)
    text = re.sub(r"(?<=[A-Za-z}])\*", "^{*}", text)
    text = re.sub(r"(?<=[A-Za-z}])\.(?=[A-Za-z])", r" \\cdot ", text)
    return "$" + re.sub(rf"(?<![\\A-Za-z])({_GREEK.pattern})(?![A-Za-z])", r"\\\1", text) + "$"


def _index(text: str) -> str:
    """Return a subscript: Greek and single letters are variables, words are upright."""
    if _GREEK.fullmatch(text):
        return f"_{{\\{text}}}"
    return f"_{{{text}}}" if len(text) <= 2 else rf"_{{\mathrm{{{text}}}}}"


def assignment(name: str, value: object) -> str:
    """Return ``step_size = 0.3``: a parameter as the job file writes it."""
    return f"{name} = {number(value)}"


def power_of_ten(value: float) -> str:
    """Return a number as a power of ten in mathtext."""
    return _power(value)


def number(value: object) -> str:
    """Return a value as text: numbers short, with powers of ten in mathtext."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return _power(float(value)) if abs(int(value)) >= 100_000 else str(int(value))
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if value != 0 and math.isfinite(value) and not 1e-3 <= abs(value) < 1e5:
            return _power(value)
        # '1e+04' is what %g makes of 10000.
        return f"{value:.0f}" if abs(value) >= 1000 and value.is_integer() else f"{value:.4g}"
    return str(value)


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    front = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"${front}10^{{{int(exponent)}}}$"


def equation(variable: xr.DataArray, value: object) -> str:
    r"""Return ``$L$ = 4`` or ``step size $\eta$ = 0.1``; for words ``student: tied``."""
    if isinstance(value, (str, bool)):
        return f"{_plain(variable)}: {number(value)}"
    return f"{heading(variable)} = {number(value)}"


def heading(variable: xr.DataArray) -> str:
    """Return the heading of a list of a variable's values: its name, and its symbol.

    A name that is the symbol itself (``alpha``) is only shown as one.
    """
    symbol = symbol_of(variable)
    if symbol is None:
        return _plain(variable)
    if math_symbol(str(variable.name)) == symbol:
        return f"${symbol}$"
    return f"{_plain(variable)} ${symbol}$"


def _plain(variable: xr.DataArray) -> str:
    return str(variable.name).replace("_", " ")
