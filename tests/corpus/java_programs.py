"""Java to read: members of classes, programs of them, and what stands where in them, by slow loops."""

import re

import numpy as np
import tree_sitter
import tree_sitter_java
from hypothesis import strategies as st

KEYWORDS = (
    "abstract assert boolean break byte case catch char class continue default do double else enum extends final "
    "finally float for if implements import instanceof int interface long native new non package permits private "
    "protected public record return sealed short static super switch synchronized this throw throws transient try var "
    "void volatile when while yield true false null"
)
MEMBERS = (
    "int #x = 1, #y[] = {2, 3};",
    '@Deprecated(since = "9", forRemoval = true) static final String #NAME = "a // b \\" c" + \'d\';',
    'String #block = """\n   text // no comment\n   /* none */ \\""" still {\n   """;',
    '{ init(/* why { */ 1); } static { go(); } // "no string\n',
    "#C(int #p) { super(p); this.x = p; }",
    "<#U extends A & B> void #m(final U #u, String... #rest) throws E { #again: for (int #i = 0; i < 3; i++) "
    "{ if (u == null) continue again; else if (u == rest) return; else { break; } } }",
    "void #loops() { for (var #e : list) use(e); do { x++; } while (x > 0); while (y[0] < 3) y[0]--; }",
    "int #tries() { try (R #r = open(); s) { f(); } catch (A | B #ex) { g(ex); } finally { h(); } "
    "try { f(); } catch (A #a) { throw a; } return x > 1 ? x : 2; }",
    "void #lambdas() { run(() -> x); F #f = (#a, #b) -> a + b; F #g = #a -> { return a; }; F #h = (int #c) -> c; "
    "G #k = String::valueOf; }",
    "int #switches(Object #o) { switch (x) { case 1: y(); break; default: } return switch (o) { case String #s -> 1; "
    "case Point(int #px, var #py) when px > 1 -> { yield 2; } default -> throw new E(); }; }",
    'void #local() { assert x > 0 : "m"; synchronized (this) { x--; } Object #o = new Object() { int #k; '
    "void #n() { k = 1; } }; if (o instanceof String #str && str.isEmpty()) { } class #L { } }",
    "Map<String, List<? extends Set<T>>> #map = new HashMap<>(); int #z = a < b ? a >> 1 : b >>> c;",
    "record #P(int #x, @N int #y) { #P { check(); } }",
    "enum #En { #ONE(1) { void #f() { } }, #TWO; int #v; }",
    "interface #I<#T> { int #K = 1; void #f(); default void #g() { } } @interface #An { int #value() default 1; }",
)
"""Members of a class; ``#`` stands before every name that is declared."""


def plain(code):
    """Return code without the marks of declared names."""
    return code.replace("#", "")


def starts(text):
    return np.array([match.start() for match in re.finditer(r"\w+|\S", text)], dtype=np.int32)


def words(text):
    return re.findall(r"\w+|\S", text)


def quoted_and_commented(text):
    """Return of each character whether it stands in a string and in a comment, by a scanner of states."""
    string, comment = [], []
    place, state = 0, "code"
    openers = (('"""', "block"), ('"', "string"), ("'", "character"), ("//", "line"), ("/*", "comment"))
    ends = {"block": '"""', "string": '"', "character": "'", "line": "\n", "comment": "*/"}
    while place < len(text):
        before, n = state, 1
        if state == "code":
            opener, state = next(((o, s) for o, s in openers if text.startswith(o, place)), ("x", "code"))
            before, n = state, len(opener)
        elif state in ("block", "string", "character") and text[place] == "\\":
            n = 2
        elif text.startswith(ends[state], place):
            n, state = len(ends[state]), "code"
        string += [before in ("block", "string")] * n
        comment += [before in ("line", "comment") and text[place] != "\n"] * n
        place += n
    return string, comment


def climbed(text):
    """Return statement, generic depth and regions by kind of each token, by climbing from its leaf to the root."""
    source = text.encode()
    root = tree_sitter.Parser(tree_sitter.Language(tree_sitter_java.language())).parse(source).root_node
    for start in starts(text).tolist():
        byte = len(text[:start].encode())
        node, around = root.descendant_for_byte_range(byte, byte + 1), []
        while node is not None:
            around.append(node.type)
            node = node.parent
        yield around


programs = st.lists(st.sampled_from(MEMBERS), max_size=6).map(
    lambda chosen: plain("class #C {" + "\n".join(chosen) + "}")
)
