"""Conditions such as ``drop>0.5 or p50_ratio>1.1``: read as Python writes them, but only the harmless part of it."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from device.errors import EdgeError, UsageError

COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
ARITHMETIC: dict[type, Callable[[Any, Any], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
LONGEST = 500


class Condition:
    """A condition on named figures."""

    def __init__(self, text: str, known: tuple[str, ...]):
        """Read ``text``; UsageError if it is no condition or names a figure outside ``known``."""
        self.text = text
        if len(text) > LONGEST:
            raise UsageError(f"the condition has {len(text):,} characters; expected at most {LONGEST}")
        try:
            self.tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError):
            raise UsageError(
                f"'{text}' is no condition; expected one such as 'drop>0.5 or p50_ratio>1.1'"
            ) from None
        self.names: set[str] = set()
        if not self._check(self.tree, known) or not self.names:
            raise UsageError(f"'{text}' compares no figure; expected a condition such as 'drop>0.5'")

    def _check(self, node: ast.expr, known: tuple[str, ...]) -> bool:
        """Return whether ``node`` is true or false (not a number); UsageError if it is anything not allowed."""
        parts: list[ast.expr] = []
        truth = False
        match node:
            case ast.BoolOp(values=parts):
                truth = True
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                parts, truth = [inner], True
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                parts = [inner]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(
                type(op) in COMPARISONS for op in ops
            ):
                parts, truth = [left, *others], True
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                parts = [left, right]
            case ast.Name(id=name) if name in known:
                self.names.add(name)
            case ast.Constant(value=value) if type(value) in (int, float):
                pass
            case _:
                raise UsageError(
                    f"'{ast.unparse(node)}' has no place in a condition; "
                    f"expected and, or, not, comparisons, numbers and: {', '.join(known)}"
                )
        of_truths = isinstance(node, ast.BoolOp) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        )
        if any(self._check(part, known) != of_truths for part in parts):
            raise UsageError(
                f"'{ast.unparse(node)}' mixes numbers and conditions; write such as 'drop>0.5 and p50_ms<2'"
            )
        return truth

    def holds(self, figures: Mapping[str, float]) -> bool | None:
        """Return whether the condition holds, None where that hangs on a figure that ``figures`` lacks; EdgeError for
        x / 0 and for numbers that are too large."""
        try:
            found: bool | None = self._value(self.tree, figures)
        except ArithmeticError as error:
            what = "divides by zero" if isinstance(error, ZeroDivisionError) else "overflows"
            raise EdgeError(f"'{self.text}' {what} and cannot be checked; write it another way") from None
        return found

    def _value(self, node: ast.expr, figures: Mapping[str, float]) -> Any:
        """Return the number or truth that ``node`` stands for; None: not known."""
        match node:
            case ast.BoolOp(op=op, values=values):
                found = [self._value(value, figures) for value in values]
                deciding = isinstance(op, ast.Or)
                return deciding if deciding in found else None if None in found else not deciding
            case ast.UnaryOp(op=op, operand=operand):
                value = self._value(operand, figures)
                if value is None:
                    return None
                return not value if isinstance(op, ast.Not) else -value
            case ast.Compare(left=left, ops=ops, comparators=others):
                chain = [self._value(part, figures) for part in (left, *others)]
                if None in chain:
                    return None
                return all(COMPARISONS[type(op)](*chain[i : i + 2]) for i, op in enumerate(ops))
            case ast.BinOp(left=left, op=op, right=right):
                both = self._value(left, figures), self._value(right, figures)
                return None if None in both else ARITHMETIC[type(op)](*both)
            case ast.Name(id=name):
                return figures.get(name)
            case ast.Constant(value=value):
                return value
        raise AssertionError(node)


def failing(condition: Condition, figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the names of the models for which ``condition`` holds, each with its figures.

    A model of which it cannot be told, for want of a figure, is passed over. EdgeError if that is so of all: a check
    that checks nothing must not pass.
    """
    held = {name: condition.holds(found) for name, found in figures.items()}
    if all(one is None for one in held.values()):
        missing = sorted(condition.names - {key for found in figures.values() for key in found})
        what = ", ".join(missing) or "all of " + ", ".join(sorted(condition.names)) + " at once"
        raise EdgeError(
            f"no model here has {what}; '{condition.text}' cannot be checked: measure it, or leave it out"
        )
    return [
        f"{name} ({', '.join(f'{key} {found[key]:.4g}' for key in sorted(condition.names & set(found)))})"
        for name, found in figures.items()
        if held[name]
    ]
