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
        try:
            self.tree = ast.parse(text[:LONGEST], mode="eval").body
        except (SyntaxError, ValueError):
            raise UsageError(
                f"'{text}' is no condition; expected one such as 'drop>0.5 or p50_ratio>1.1'"
            ) from None
        self.names: set[str] = set()
        if not self._check(self.tree, known):
            raise UsageError(f"'{text}' compares nothing; expected a condition such as 'drop>0.5'")

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

    def holds(self, figures: Mapping[str, float]) -> bool:
        """Return whether the condition holds; KeyError if ``figures`` lacks one of ``names``, EdgeError for x / 0."""
        try:
            return bool(self._value(self.tree, figures))
        except ZeroDivisionError:
            raise EdgeError(
                f"'{self.text}' divides by zero and cannot be checked; write it another way"
            ) from None

    def _value(self, node: ast.expr, figures: Mapping[str, float]) -> Any:
        match node:
            case ast.BoolOp(op=op, values=values):
                found = [self._value(value, figures) for value in values]
                return all(found) if isinstance(op, ast.And) else any(found)
            case ast.UnaryOp(op=op, operand=operand):
                value = self._value(operand, figures)
                return not value if isinstance(op, ast.Not) else -value
            case ast.Compare(left=left, ops=ops, comparators=others):
                chain = [self._value(part, figures) for part in (left, *others)]
                return all(COMPARISONS[type(op)](*chain[i : i + 2]) for i, op in enumerate(ops))
            case ast.BinOp(left=left, op=op, right=right):
                return ARITHMETIC[type(op)](self._value(left, figures), self._value(right, figures))
            case ast.Name(id=name):
                return figures[name]
            case ast.Constant(value=value):
                return value
        raise AssertionError(node)


def failing(condition: Condition, figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the names of the models for which ``condition`` holds, each with its figures.

    A model that lacks a figure of the condition is passed over. EdgeError if all of them do: a check that
    checks nothing must not pass.
    """
    judged = {name: found for name, found in figures.items() if condition.names <= set(found)}
    if not judged:
        missing = sorted(condition.names - {key for found in figures.values() for key in found})
        what = ", ".join(missing) or "all of " + ", ".join(sorted(condition.names)) + " at once"
        raise EdgeError(
            f"no model here has {what}; '{condition.text}' cannot be checked: measure it, or leave it out"
        )
    return [
        f"{name} ({', '.join(f'{key} {found[key]:.4g}' for key in sorted(condition.names))})"
        for name, found in judged.items()
        if condition.holds(found)
    ]
