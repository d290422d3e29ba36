"""The lexical structure of Java once more: one character after the other, the longest token that fits."""

import re
import unicodedata

from lstm_analysis.corpus.java.scanning import KEYWORDS

SEPARATORS = ["(", ")", "{", "}", "[", "]", ";", ",", ".", "...", "@", "::"]
_WITH_EQUALS = ["+", "-", "*", "/", "&", "|", "^", "%", "<<", ">>", ">>>", "<", ">", "=", "!"]
OPERATORS = [*_WITH_EQUALS, *(sign + "=" for sign in _WITH_EQUALS), "~", "?", ":", "->", "&&", "||", "++", "--"]
SIGNS = sorted([*SEPARATORS, *OPERATORS], key=len, reverse=True)
DIGITS = r"[0-9][0-9_]*"
EXPONENT = r"[eE][+-]?[0-9][0-9_]*"
LITERALS = re.compile(
    rf"""
    0[xX][0-9a-fA-F_]*\.[0-9a-fA-F_]*[pP][+-]?[0-9][0-9_]*[fFdD]?
    | 0[xX][0-9a-fA-F_]*[pP][+-]?[0-9][0-9_]*[fFdD]?
    | 0[xX][0-9a-fA-F_]*[lL]?
    | 0[bB][0-9_]*[lL]?
    | {DIGITS}\.(?:[0-9_]+)?(?:{EXPONENT})?[fFdD]?
    | \.{DIGITS}(?:{EXPONENT})?[fFdD]?
    | {DIGITS}{EXPONENT}[fFdD]?
    | {DIGITS}[lLfFdD]?
    | \"\"\"[\ \t\f]*[\r\n](?:[^\\]|\\(?:.|\n))*?(?:\"\"\"|\\?\Z)
    | "(?:[^"\\\r\n]|\\[^\r\n])*"
    | '(?:\\[0-7]{{1,3}}|\\[^0-7\r\n]|[^'\\\r\n])'
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENTS = re.compile(r"//[^\r\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
LINE = re.compile(r"[^\r\n]*")


def begins_name(character):
    return unicodedata.category(character)[0] == "L" or unicodedata.category(character) in ("Nl", "Sc", "Pc")


def goes_on(character):
    ignored = ord(character) in (*range(9), *range(0x0E, 0x1C), *range(0x7F, 0xA0))
    return begins_name(character) or ignored or unicodedata.category(character) in ("Nd", "Mn", "Mc", "Cf")


def tokens_one_by_one(text):
    """Return start, stop and kind of each token and comment of a text without unicode escapes."""
    found, at = [], 0
    while at < len(text):
        if text[at].isspace() or text[at:] == "\x1a":
            at += 1
            continue
        stop, kind = token_at(text, at)
        found.append((at, stop, kind))
        at = stop
    return found


def token_at(text, at):
    if begins_name(text[at]):
        stop = at + 1
        while stop < len(text) and goes_on(text[stop]):
            stop += 1
        word = text[at:stop]
        kind = (
            "keyword" if word in (*KEYWORDS, "_") else "literal" if word in ("true", "false", "null") else "identifier"
        )
        return stop, kind
    if match := COMMENTS.match(text, at):
        return match.end(), "comment"
    if match := LITERALS.match(text, at):
        return match.end(), "literal"
    if text[at] == '"':
        return LINE.match(text, at).end(), "literal"
    for sign in SIGNS:
        if text.startswith(sign, at):
            return at + len(sign), "separator" if sign in SEPARATORS else "operator"
    return at + 1, ""


def nest_one_by_one(forms, comments):
    """Return brace depth, parenthesis depth and whether a sentence ends, of each token."""
    found, stack = [], []  # of "(", "{" and "=" for the braces around values
    for i, form in enumerate(forms):
        code = [other for other, comment in zip(forms[:i], comments[:i], strict=True) if not comment]
        before = code[-1] if code else ""
        if comments[i]:
            found.append((*depths(stack), i == 0 or found[-1][2]))
            continue
        if form == "{":
            values = before in ("=", "]", ",", "(", "default") or (before == "{" and stack[-1:] == ["="])
            stack.append("=" if values else "{")
        elif form == "(":
            stack.append("(")
        elif form == "}" and set(stack) & {"{", "="}:
            while stack[-1] == "(":
                stack.pop()
        top = stack[-1] if stack else ""
        ends = (form in ("{", "}") and top != "=") or (form == ";" and top != "(")
        found.append((*depths(stack), ends))
        if (form == ")" and top == "(") or (form == "}" and top in ("{", "=")):
            stack.pop()
        elif form == ";" and top == "=":
            stack[-1] = "{"
    return found


def depths(stack):
    return len([sign for sign in stack if sign != "("]), stack.count("(")
