"""Which nodes of tree-sitter's Java grammar make up which value of a structure column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = tuple[str, str]
"""Name of a column and what it says."""

REGIONS = ("comment", "string", "annotation", "loop", "try", "catch", "lambda", "switch", "condition")
"""Words of the column ``inside``, in their order."""

BODY: Value = ("method", "body")
BRACES: dict[str, Value] = {"{": ("method", "start"), "}": ("method", "end")}
"""What the braces of a body say."""

_STATEMENTS = """
package_declaration import_declaration module_declaration class_declaration interface_declaration enum_declaration
record_declaration annotation_type_declaration annotation_type_element_declaration enum_constant field_declaration
constant_declaration method_declaration constructor_declaration compact_constructor_declaration static_initializer
explicit_constructor_invocation local_variable_declaration expression_statement labeled_statement if_statement
while_statement do_statement for_statement enhanced_for_statement switch_expression return_statement break_statement
continue_statement yield_statement throw_statement assert_statement synchronized_statement try_statement
try_with_resources_statement catch_clause finally_clause
"""
_SUFFIXES = ("_declaration", "_statement", "_expression", "_clause")
_INSIDE = {
    "line_comment": "comment",
    "block_comment": "comment",
    "string_literal": "string",
    "marker_annotation": "annotation",
    "annotation": "annotation",
    "for_statement": "loop",
    "enhanced_for_statement": "loop",
    "while_statement": "loop",
    "do_statement": "loop",
    "catch_clause": "catch",
    "lambda_expression": "lambda",
    "switch_expression": "switch",
}
_TRY = (("", "try"), ("resources", "resource_specification"), ("body", "block"))
_DECLARED_IN_FIELD = """
class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration
annotation_type_element_declaration enum_constant method_declaration constructor_declaration
compact_constructor_declaration variable_declarator formal_parameter catch_formal_parameter enhanced_for_statement
resource instanceof_expression
"""
_DECLARED_AS_CHILD = """
type_parameter.type_identifier inferred_parameters.identifier type_pattern.identifier
record_pattern_component.identifier labeled_statement.identifier
"""
_WITH_CONDITION = ("if_statement", "while_statement", "do_statement", "for_statement", "ternary_expression")
_WITH_BODY = ("method_declaration", "constructor_declaration", "compact_constructor_declaration")


def _by_kind() -> dict[str, list[Value]]:
    """Return what each kind of node says wherever it stands."""
    values: dict[str, list[Value]] = {kind: [("inside", region)] for kind, region in _INSIDE.items()}
    for kind in _STATEMENTS.split():
        suffix = next((suffix for suffix in _SUFFIXES if kind.endswith(suffix)), "")
        values.setdefault(kind, []).append(("statement", kind.removesuffix(suffix)))
    values["identifier"] = [("role", "use")]
    values["type_identifier"] = [("role", "type")]
    values["type_arguments"] = values["type_parameters"] = [("generic", "")]
    return values


def _by_place() -> dict[tuple[str, str, str], Value]:
    """Return what children of a node say: its kind, the child's field (``""`` none), the child's kind (``""`` any)."""
    declaration = ("role", "declaration")
    values: dict[tuple[str, str, str], Value] = {}
    for parent in ("try_statement", "try_with_resources_statement"):
        values |= {(parent, *child): ("inside", "try") for child in _TRY}
    values |= {(parent, "condition", ""): ("inside", "condition") for parent in _WITH_CONDITION}
    values |= {(parent, "name", "identifier"): declaration for parent in _DECLARED_IN_FIELD.split()}
    values |= {
        (parent, "", child): declaration for parent, child in (rule.split(".") for rule in _DECLARED_AS_CHILD.split())
    }
    values["lambda_expression", "parameters", "identifier"] = declaration
    values |= {(parent, "body", ""): BODY for parent in _WITH_BODY}
    values["class_body", "", "block"] = ("statement", "initializer")
    return values


@dataclass(frozen=True)
class Rules:
    """The tables by the numbers of a grammar.

    Parameters
    ----------
    values
        What nodes can say; the other tables hold indices of it.
    by_kind
        What a kind of node says wherever it stands.
    by_place
        What the children of a kind of node say, by field (0 none) and kind (0 any) of the child.
    """

    values: tuple[Value, ...]
    by_kind: Mapping[int, tuple[int, ...]]
    by_place: Mapping[int, Mapping[tuple[int, int], int]]


def rules(language: Any) -> Rules:
    """Return the tables by the numbers of tree-sitter's Java grammar, a ``tree_sitter.Language``."""
    kinds, places = _by_kind(), _by_place()
    said = [*(value for listed in kinds.values() for value in listed), *places.values(), *BRACES.values()]
    values = tuple(dict.fromkeys(said))
    index = {value: i for i, value in enumerate(values)}
    numbers: dict[str, list[int]] = {"": [0]}
    for number in range(1, language.node_kind_count):
        numbers.setdefault(language.node_kind_for_id(number), []).append(number)
    fields = {"": 0} | {language.field_name_for_id(i): i for i in range(1, language.field_count + 1)}
    by_kind = {
        number: tuple(index[value] for value in said) for kind, said in kinds.items() for number in numbers[kind]
    }
    by_place: dict[int, dict[tuple[int, int], int]] = {}
    for (parent, field, child), value in places.items():
        children = {(fields[field], number): index[value] for number in numbers[child]}
        for number in numbers[parent]:
            by_place.setdefault(number, {}).update(children)
    return Rules(values, by_kind, by_place)
