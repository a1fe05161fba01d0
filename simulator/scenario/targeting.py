"""Targeting expressions: a small, safe language over what a client knows about itself.

Real messages use JEXL; ours keeps its core (comparisons, `in`, and, or, not, sums) in Python's spelling, with
`&&`, `||`, `!`, `true` and `false` accepted. An expression is compiled once; evaluating it runs no other code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import CodeType

#: What expressions can ask about, with the type each has.
ATTRIBUTES: Mapping[str, type] = {
    "channel": str,
    "locale": str,
    "language": str,
    "version": float,
    "profile_age_days": int,
    "first_run": bool,
    "runs": int,
    "new_tabs": int,
    "pinned_tabs": int,
    "user_prefs": int,
    "is_default_browser": bool,
    "has_secure_proxy": bool,
    "updated": bool,
    "return_to_amo": bool,
    "os": str,
}

_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Mod,
    ast.BitAnd,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)
_SPELLINGS = ((re.compile(r"&&"), " and "), (re.compile(r"\|\|"), " or "), (re.compile(r"!(?!=)"), " not "))
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST = 2_000

Targeting = Callable[[Mapping[str, object]], bool]


def _parse(text: str) -> ast.Expression:
    if len(text) > _LONGEST:
        raise ValueError(f"the expression has {len(text)} characters; {_LONGEST} is the limit")
    spelt = text.strip()
    for pattern, replacement in _SPELLINGS:
        spelt = pattern.sub(replacement, spelt)
    try:
        tree = ast.parse(spelt.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is not an expression") from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{text!r} uses {type(node).__name__}, which targeting does not have")
        if isinstance(node, ast.Name) and node.id not in ATTRIBUTES and node.id not in _WORDS:
            near = get_close_matches(node.id, ATTRIBUTES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it knows {', '.join(ATTRIBUTES)}"
            raise ValueError(f"targeting knows no {node.id!r}{hint}")
    return tree


def check_expression(text: str) -> None:
    """Check that a text is a targeting expression.

    Raises:
        ValueError: it is not; the message says why.
    """
    _parse(text)


def attributes_of(text: str) -> frozenset[str]:
    """The attributes that an expression asks about."""
    names = {node.id for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)}
    return frozenset(names & set(ATTRIBUTES))


def compile_expression(text: str) -> Targeting:
    """A function from a client's attributes to whether the expression holds for it.

    Raises:
        ValueError: not an expression.
    """
    code: CodeType = compile(_parse(text), "<targeting>", "eval")

    def holds(attributes: Mapping[str, object]) -> bool:
        scope = {"__builtins__": {}, **_WORDS, **attributes}
        return bool(eval(code, scope))  # noqa: S307 - the tree was checked node by node above

    return holds
