"""Put a mutant into a module that is loaded: nobody has to import anything again."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

from tests.mutation.mutants import Mutant


def put_in(mutant: Mutant, tree: ast.Module, module: ModuleType) -> None:
    """Change what the module does, for everybody who has imported anything of it."""
    top = mutant.place.split(".", maxsplit=1)[0]
    if not isinstance(vars(module)[top], FunctionType | type) and not hasattr(vars(module)[top], "__wrapped__"):
        _put_constant(mutant, tree, module)
        return
    mutant.put_in()
    code = {
        (part.co_qualname, part.co_firstlineno): part for part in _codes(compile(tree, str(module.__file__), "exec"))
    }
    changed = [function for function in functions(module) if function.__qualname__ == mutant.place]
    if not changed:
        raise LookupError(mutant.place)
    for function in changed:
        function.__code__ = code[function.__code__.co_qualname, function.__code__.co_firstlineno]


def _put_constant(mutant: Mutant, tree: ast.Module, module: ModuleType) -> None:
    mutant.put_in()
    value = next(
        statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and statement.value is not None
        and mutant.place in {ast.unparse(target) for target in _targets(statement)}
    )
    # In a copy: a walrus in the value must not reach the module.
    new = eval(compile(ast.Expression(value), str(module.__file__), "eval"), dict(vars(module)))
    old = vars(module)[mutant.place]
    for other in list(sys.modules.values()):
        for name, held in list(getattr(other, "__dict__", {}).items()):
            if held is old and name == mutant.place:
                setattr(other, name, new)


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions that a module defines, those of its classes too, without what decorators put around them."""
    yield from _functions(list(vars(module).values()), module.__name__)


def _functions(values: list[object], module: str) -> Iterator[FunctionType]:
    for value in values:
        if isinstance(value, type):
            if value.__module__ == module:
                yield from _functions(list(vars(value).values()), module)
            continue
        for inner in _bare(value):
            if isinstance(inner, FunctionType) and inner.__module__ == module:
                yield inner


def _bare(value: object) -> Iterator[object]:
    match value:
        case property():
            yield from (part for part in (value.fget, value.fset) if part is not None)
        case staticmethod() | classmethod():
            yield from _bare(value.__func__)
        case functools.cached_property():
            yield value.func
        case _:
            while hasattr(value, "__wrapped__"):
                value = value.__wrapped__
            yield value


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def mentions(module: ModuleType, name: str) -> frozenset[str]:
    """Name the functions of a module whose text names a constant of it."""
    return frozenset(
        function.__qualname__
        for function in functions(module)
        if any(name in code.co_names for code in (function.__code__, *_codes(function.__code__)))
    )
