"""Writes the mutated program: one text that holds every mutant, each behind its own switch.

    a < b            →  (Mutants.isOn(17) ? a <= b : a < b)
    if (c) revert X  →  if (!Mutants.isOn(18) && (Mutants.isOn(19) || (c))) revert X       18: never, 19: always
    x += y;          →  if (Mutants.isOn(20)) x -= y; else if (!Mutants.isOn(21)) x += y;  21: deleted
    emit E();        →  if (!Mutants.isOn(22)) emit E();

So the contracts compile once for all mutants. Inline assembly, constants and the values of enums are left alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tools.mutants.places import ASSIGNMENT_SWAPS, DROPPED_SIGNS, STEP_SWAPS, SWAPS, Mutant, shorten
from tools.solidity import Node

EFFECTS = ("ExpressionStatement", "EmitStatement", "RevertStatement")
SIMPLE_STATEMENTS = (*EFFECTS, "Return", "VariableDeclarationStatement", "Continue", "Break", "PlaceholderStatement")
OPAQUE = ("InlineAssembly", "StructuredDocumentation", "StructDefinition", "EnumDefinition", "ParameterList")
ARGUMENT = "mutant_"  # of a modifier: the number that switches off its checks for one function


@dataclass
class Rewriter:
    """Rewrites the functions of one file after another; `mutants` collects what it wrote."""

    modifiers: frozenset[int] = frozenset()  # the definitions that take `ARGUMENT`, by their ids in the syntax tree
    foreign: str = ""  # a package's file: its modifiers can be switched off, and nothing in them is mutated
    mutants: list[Mutant] = field(default_factory=list)
    _kept: set[int] = field(default_factory=set)  # statements whose deletion another mutant is
    _seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _file: str = ""
    _function: str = ""
    _text: bytes = b""

    def rewrite(self, file: str, text: bytes, tree: Node) -> bytes:
        """The file's text with its mutants."""
        self._file, self._text = file, text
        definitions = [
            (contract["name"], node)
            for contract in tree["nodes"]
            if contract["nodeType"] == "ContractDefinition"
            for node in contract["nodes"]
        ]
        replaced = []
        for owner, node in definitions:
            self._function = f"{owner}.{node.get('name') or node.get('kind', '')}"
            is_ours = file != self.foreign
            if is_ours and node["nodeType"] == "FunctionDefinition" and node["implemented"]:
                replaced += [(span(part), self._render(part)) for part in (*node["modifiers"], node["body"])]
            elif node["nodeType"] == "ModifierDefinition" and node["id"] in self.modifiers:
                replaced += self._modifier(node)
        return splice(text, (0, len(text)), replaced)

    # ---- statements

    def _render(self, node: Node) -> bytes:
        special = {
            "IfStatement": self._if,
            "WhileStatement": self._loop,
            "ForStatement": self._loop,
            "Conditional": self._conditional,
            "BinaryOperation": self._binary,
            "UnaryOperation": self._unary,
            "ModifierInvocation": self._invocation,
        }
        if node["nodeType"] in special:
            return special[node["nodeType"]](node)
        return self._statement(node) if node["nodeType"] in EFFECTS else self._inside(node)

    def _inside(self, node: Node, replaced: Mapping[int, bytes] | None = None) -> bytes:
        """The node's text with its parts rendered; `replaced` gives the text of parts, by their ids."""
        known = replaced or {}
        parts = [
            (span(part), known[part["id"]]) if part["id"] in known else (self._extent(part), self._render(part))
            for part in parts_of(node)
        ]
        return splice(self._text, self._extent(node), parts)

    def _if(self, node: Node) -> bytes:
        condition = self._choice(node["condition"])
        yes, no = node["trueBody"], node.get("falseBody")
        if no is None:
            self._kept |= sole_statement(yes)
            return b"if (%s) %s" % (condition, self._render(yes))
        # The braces keep the `else` with this `if`.
        return b"if (%s) { %s } else %s" % (condition, self._render(yes), self._render(no))

    def _choice(self, condition: Node) -> bytes:
        """The condition, and the two mutants that ignore it."""
        text = self._source(condition)
        never = self._new(condition, f"never: {text}")
        always = self._new(condition, f"always: {text}")
        # Swapping == in a whole condition would be the same as both of the above.
        inner = self._inside(condition) if is_plain_test(condition) else self._render(condition)
        return b"!%s && (%s || (%s))" % (switch(never), switch(always), inner)

    def _loop(self, node: Node) -> bytes:
        """A loop that never runs. Its header keeps its steps: a loop without them does not end."""
        condition = node["condition"]
        never = self._new(condition, f"never: {self._source(condition)}")
        replaced = {condition["id"]: b"!%s && (%s)" % (switch(never), self._render(condition))}
        for name in ("initializationExpression", "loopExpression"):
            if node.get(name):
                replaced[node[name]["id"]] = self._raw(node[name])
        return self._inside(node, replaced)

    def _statement(self, node: Node) -> bytes:
        """An effect, deleted or turned round."""
        expression = node.get("expression") or {}
        is_step = expression.get("operator") in STEP_SWAPS
        text = self._inside(expression) + b";" if is_step else self._inside(node)
        swapped = self._swapped(expression)
        if node["id"] not in self._kept and not is_pointer(expression):
            deleted = self._new(node, f"delete: {self._source(node)}")
            text = b"if (!%s) %s" % (switch(deleted), text)
        return swapped + text

    def _swapped(self, expression: Node) -> bytes:
        """The statement's mutant with another operator, up to its `else`."""
        operator = expression.get("operator")
        if expression.get("nodeType") == "Assignment" and operator in ASSIGNMENT_SWAPS:
            left, right = self._raw(expression["leftHandSide"]), self._raw(expression["rightHandSide"])
            other = b"%s %s %s" % (left, ASSIGNMENT_SWAPS[operator].encode(), right)
        elif operator in STEP_SWAPS:
            other = self._raw(expression).replace(operator.encode(), STEP_SWAPS[operator].encode())
        else:
            return b""
        mutant = self._new(expression, f"{self._source(expression)} → {other.decode()}")
        return b"if (%s) %s; else " % (switch(mutant), other)

    # ---- expressions

    def _conditional(self, node: Node) -> bytes:
        return self._inside(node, {node["condition"]["id"]: b"(" + self._choice(node["condition"]) + b")"})

    def _binary(self, node: Node) -> bytes:
        operator = node["operator"]
        if operator not in SWAPS or is_literal(node):
            return self._inside(node)
        left, right = self._raw(node["leftExpression"]), self._raw(node["rightExpression"])
        mutant = self._new(node, f"{self._source(node)} → {SWAPS[operator]}")
        other = b"%s %s %s" % (left, SWAPS[operator].encode(), right)
        return b"(%s ? %s : %s)" % (switch(mutant), other, self._inside(node))

    def _unary(self, node: Node) -> bytes:
        operator, operand = node["operator"], node["subExpression"]
        if operator in STEP_SWAPS:
            other = self._raw(node).replace(operator.encode(), STEP_SWAPS[operator].encode())
        elif operator in DROPPED_SIGNS and not is_literal(node):
            other = self._raw(operand)
        else:
            return self._inside(node)
        mutant = self._new(node, f"{self._source(node)} → {other.decode()}")
        return b"(%s ? %s : %s)" % (switch(mutant), other, self._inside(node))

    # ---- modifiers

    def _modifier(self, node: Node) -> Iterator[tuple[tuple[int, int], bytes]]:
        """A modifier that takes the number of the mutant which switches it off, and checks nothing while it is on."""
        name_end = self._text.index(node["name"].encode(), span(node)[0]) + len(node["name"])
        start, end = span(node["parameters"])
        if node["parameters"]["parameters"]:
            yield (end - 1, end), b", uint256 %s)" % ARGUMENT.encode()
        elif end > start:
            yield (start, end), b"(uint256 %s)" % ARGUMENT.encode()
        else:
            yield (name_end, name_end), b"(uint256 %s)" % ARGUMENT.encode()
        for statement in node["body"]["statements"]:
            if statement["nodeType"] != "PlaceholderStatement":
                start, end = self._extent(statement)
                text = self._text[start:end] if self._file == self.foreign else self._render(statement)
                yield (start, end), b"if (!Mutants.isOn(%s)) { %s }" % (ARGUMENT.encode(), text)

    def _invocation(self, node: Node) -> bytes:
        if node["modifierName"]["referencedDeclaration"] not in self.modifiers:
            return self._raw(node)
        text = self._source(node)
        number = self._new(node, f"without {text}")
        if node.get("arguments"):
            return b"%s, %d)" % (text.encode().removesuffix(b")"), number)
        return b"%s(%d)" % (text.encode().removesuffix(b"()"), number)

    # ---- small steps

    def _new(self, node: Node, change: str) -> int:
        change = shorten(change)
        key = (self._file, self._function, change)
        start, _ = span(node)
        line = self._text.count(b"\n", 0, start) + 1
        self.mutants.append(Mutant(len(self.mutants) + 1, *key[:1], line, *key[1:], self._seen[key]))
        self._seen[key] += 1
        return len(self.mutants)

    def _extent(self, node: Node) -> tuple[int, int]:
        """Where a node is, with its semicolon: solc leaves that out."""
        start, end = span(node)
        last = node.get("falseBody") or node.get("trueBody") or (node.get("body") if is_loop(node) else None)
        if last:
            return start, self._extent(last)[1]
        is_open = node["nodeType"] in SIMPLE_STATEMENTS and self._text[end - 1 : end] != b";"
        return (start, self._text.index(b";", end) + 1) if is_open else (start, end)

    def _raw(self, node: Node) -> bytes:
        start, end = span(node)
        return self._text[start:end]

    def _source(self, node: Node) -> str:
        return self._raw(node).decode()


def parts_of(node: Node) -> list[Node]:
    """The nodes directly below, in the order of the text."""
    parts: list[Node] = []
    for value in node.values():
        candidates = value if isinstance(value, list) else [value]
        parts += [part for part in candidates if isinstance(part, dict) and "nodeType" in part]
    return sorted((part for part in parts if part["nodeType"] not in OPAQUE), key=span)


def span(node: Node) -> tuple[int, int]:
    """Start and end in the file, in bytes."""
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def splice(text: bytes, place: tuple[int, int], parts: list[tuple[tuple[int, int], bytes]]) -> bytes:
    """The text at `place`, with the parts replaced.

    >>> splice(b"abcdef", (1, 6), [((2, 3), b"X"), ((4, 4), b"Y")])
    b'bXdYef'
    """
    position, end = place
    pieces = []
    for (start, stop), replacement in sorted(parts, key=lambda part: part[0]):
        pieces += [text[position:start], replacement]
        position = stop
    return b"".join([*pieces, text[position:end]])


def switch(number: int) -> bytes:
    return b"Mutants.isOn(%d)" % number


def sole_statement(body: Node) -> set[int]:
    """The only statement of a body: to delete it is to skip the body."""
    statements = body["statements"] if body["nodeType"] in ("Block", "UncheckedBlock") else [body]
    return {statements[0]["id"]} if len(statements) == 1 else set()


def is_pointer(expression: Node) -> bool:
    """Whether it assigns a reference to storage or calldata: the compiler wants that on every path."""
    if expression.get("nodeType") != "Assignment":
        return False
    return str(expression["typeDescriptions"]["typeString"]).endswith(("storage pointer", "calldata"))


def is_loop(node: Node) -> bool:
    return node["nodeType"] in ("ForStatement", "WhileStatement")


def is_plain_test(node: Node) -> bool:
    """`a == b` or `!a`: what the mutants `never` and `always` of a condition cover already."""
    return node.get("operator") in ("==", "!=") or (node["nodeType"] == "UnaryOperation" and node["operator"] == "!")


def is_literal(node: Node) -> bool:
    """A number that the compiler computes, which has no type of its own."""
    return str(node["typeDescriptions"]["typeString"]).startswith(("int_const", "rational_const"))
