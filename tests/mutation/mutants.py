"""Ways to take a check out of a module: each mutant is one small change of its syntax tree.

Left alone are annotations, decorators, defaults, `assert` (types, not checks), f-strings and what a `raise` says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

LEFT_OUT = "(left out)"

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_NEXT: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_SWAPPED = {"all": "any", "any": "all", "min": "max", "max": "min"}
_NO_CHECKS = {"annotation", "returns", "decorator_list", "args"}
_LEFT_ALONE = (ast.Assert, ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom)
# In SQL the column stays, so that a rule which reads the text sees nothing; a state is compared with itself.
_SQL = (
    (re.compile(r"((?:\w+\.)?tenant) = :tenant\b"), ":tenant = :tenant"),
    (re.compile(r"(\w+\.tenant) = \w+\.tenant\b"), r"\1 = \1"),
    (re.compile(r"(?<=where )((?:\w+\.)?\w+) = '\w+'|(?<=and )((?:\w+\.)?\w+) = '\w+'"), "1 = 1"),
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `was` became `now`. A function or a constant of the module is its place."""

    place: str
    line: int
    was: str
    now: str
    parent: ast.AST
    field: str
    index: int | None
    node: object

    def put_in(self) -> None:
        """Change the tree that this mutant was made from."""
        if self.index is None:
            setattr(self.parent, self.field, self.node)
        else:
            getattr(self.parent, self.field)[self.index] = self.node
        ast.fix_missing_locations(self.parent)


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its text."""
    for statement in tree.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _of_function(statement, statement.name)
            case ast.ClassDef():
                yield from _of_class(statement, statement.name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if statement.value is not None and not isinstance(statement.value, ast.Subscript):  # a name for a type
                    yield from _below(statement, name, "value", None, statement.value)
            case _:
                pass


def _of_class(defined: ast.ClassDef, place: str) -> Iterator[Mutant]:
    for statement in defined.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _of_function(statement, f"{place}.{statement.name}")
            case ast.ClassDef():
                yield from _of_class(statement, f"{place}.{statement.name}")
            case _:
                pass


def _of_function(function: Function, place: str) -> Iterator[Mutant]:
    returns = ast.unparse(function.returns) if function.returns is not None else ""
    answers = [None] if returns.endswith("| None") else [True, False] if returns == "bool" else []
    for answer in answers:
        body = [ast.copy_location(ast.Return(ast.Constant(answer)), function.body[-1])]
        yield Mutant(place, function.lineno, "its whole body", f"return {answer}", function, "body", None, body)
    for index, statement in enumerate(function.body):
        yield from _statement(function, place, "body", index, statement)


def _statement(parent: ast.AST, place: str, field: str, index: int, node: ast.stmt) -> Iterator[Mutant]:
    called = node.value if isinstance(node, ast.Expr) else None
    if isinstance(called, ast.Await):
        called = called.value
    if isinstance(node, ast.AugAssign) or isinstance(called, ast.YieldFrom | ast.Yield) or _does_something(called):
        gone = ast.copy_location(ast.Pass(), node)
        yield Mutant(place, node.lineno, ast.unparse(node), LEFT_OUT, parent, field, index, gone)
    yield from _below(parent, place, field, index, node)


def _below(parent: ast.AST, place: str, field: str, index: int | None, node: ast.AST) -> Iterator[Mutant]:
    if isinstance(node, _LEFT_ALONE):
        return
    for was, now, changed in _changes(node):
        line = getattr(node, "lineno", 0)
        yield Mutant(place, line, was, now, parent, field, index, ast.copy_location(changed, node))
    yield from _conditions(node, place)
    for name, value in ast.iter_fields(node):
        if name in _NO_CHECKS and not isinstance(node, ast.Call):
            continue
        for number, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.stmt):
                yield from _statement(node, place, name, number or 0, child)
            elif isinstance(child, ast.AST):
                yield from _below(node, place, name, number, child)


def _conditions(node: ast.AST, place: str) -> Iterator[Mutant]:
    """Yield what becomes of conditions that are always, or never, true."""
    match node:
        case ast.If(test=test):
            yield _fixed(node, place, "test", None, test, "if {}", answer=False)
        case ast.IfExp(test=test):
            yield _fixed(node, place, "test", None, test, "{}", answer=True)
            yield _fixed(node, place, "test", None, test, "{}", answer=False)
        case ast.match_case(guard=ast.expr() as guard):
            yield _fixed(node, place, "guard", None, guard, "case ... if {}", answer=True)
            yield _fixed(node, place, "guard", None, guard, "case ... if {}", answer=False)
        case ast.comprehension(ifs=conditions):
            for number, condition in enumerate(conditions):
                yield _fixed(node, place, "ifs", number, condition, "for ... if {}", answer=True)
        case _:
            pass


def _fixed(
    node: ast.AST, place: str, field: str, index: int | None, condition: ast.expr, text: str, *, answer: bool
) -> Mutant:
    new = ast.copy_location(ast.Constant(answer), condition)
    was, now = text.format(ast.unparse(condition)), text.format(answer)
    return Mutant(place, condition.lineno, was, now, node, field, index, new)


def _changes(node: ast.AST) -> Iterator[tuple[str, str, ast.AST]]:
    """Yield what an expression may be changed to: its text, the new text, the new node."""
    match node:
        case ast.Compare():
            yield from ((ast.unparse(node), ast.unparse(new), new) for new in _compared(node))
        case ast.BoolOp(op=operator, values=values):
            for number in range(len(values)):
                rest = [*values[:number], *values[number + 1 :]]
                new = rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
                yield ast.unparse(node), ast.unparse(new), new
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield ast.unparse(node), ast.unparse(operand), operand
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr(), right=right):
            yield ast.unparse(node), ast.unparse(left), left
            yield ast.unparse(node), ast.unparse(right), right
        case ast.BinOp(left=left, op=ast.Sub()):
            yield ast.unparse(node), ast.unparse(left), left
        case ast.Call(func=ast.Name(id=name) as called) if name in _SWAPPED:
            other = ast.copy_location(ast.Name(_SWAPPED[name], ast.Load()), called)
            swapped = ast.Call(other, node.args, node.keywords)
            yield ast.unparse(node), ast.unparse(swapped), swapped
        case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set() | ast.Match() | ast.Constant():
            yield from _shorter(node)
        case _:
            pass


def _shorter(node: ast.Tuple | ast.List | ast.Set | ast.Match | ast.Constant) -> Iterator[tuple[str, str, ast.AST]]:
    match node:
        case ast.Match(cases=cases):
            for number, case in enumerate(cases):
                if len(cases) > 1 and not _catches_the_rest(case):
                    yield f"case {ast.unparse(case.pattern)}", LEFT_OUT, _without(node, "cases", number)
        case ast.Constant(value=str() as text):
            for pattern, instead in _SQL:
                for found in pattern.finditer(text):
                    now = found.expand(instead)
                    yield _told(text, found), now, ast.Constant(text[: found.start()] + now + text[found.end() :])
        case ast.Constant():
            pass
        case _ if len(node.elts) > 1:
            for number, part in enumerate(node.elts):
                yield ast.unparse(part), LEFT_OUT, _without(node, "elts", number)
        case _:
            pass


def _compared(node: ast.Compare) -> Iterator[ast.expr]:
    for number, operator in enumerate(node.ops):
        for table in (_NEGATED, _NEXT):
            if (other := table.get(type(operator))) is not None:
                yield ast.Compare(node.left, [*node.ops[:number], other(), *node.ops[number + 1 :]], node.comparators)
    if len(node.ops) == 2:
        yield ast.Compare(node.left, node.ops[:1], node.comparators[:1])
        yield ast.Compare(node.comparators[0], node.ops[1:], node.comparators[1:])


def _without(node: Node, field: str, number: int) -> Node:
    rest = getattr(node, field)
    return type(node)(**(dict(ast.iter_fields(node)) | {field: [*rest[:number], *rest[number + 1 :]]}))


def _catches_the_rest(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


def _told(text: str, found: re.Match[str]) -> str:
    """Return the condition, told from its like in the same statement."""
    number = text[: found.start()].count(found[0])
    return found[0] if number == 0 else f"{found[0]} (once more: {number})"


def _does_something(called: ast.expr | None) -> bool:
    """Say whether this is a call that matters at run time."""
    return isinstance(called, ast.Call) and not (isinstance(called.func, ast.Name) and called.func.id == "assert_never")
