"""Documents and messages use the project's terms and plain English. Comments and names are for review."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
# The simulator uses the API's own words, such as clips and skipped files.
MODULES = [file for file in ROOT.glob("connector/**/*.py") if "simulator" not in file.parts]

# Pattern -> what to write instead.
REPLACED = {
    r"blacklist\w*": "quarantined",
    r"whitelist\w*": "allowed",
    r"skipped deletes?": "withheld",
    r"mismatch checks?": "verify",
    r"diff results?": "plan",
    r"fetch results?": "snapshot",
    r"anew": "again",
    r"leave \w+(?: \w+){0,2} away": "omit",
    r"no url of": "not a valid URL",
    r"is no (?:duration|number|setting|url|date|name|id)": "is not a ...",
    r"more than none": "greater than zero",
}
FORBIDDEN = re.compile(rf"\b(?:{'|'.join(REPLACED)})\b", re.IGNORECASE)


def forbidden(text: str) -> list[str]:
    """Matches across line breaks, but not in code."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    return FORBIDDEN.findall(" ".join(prose.split()))


def messages(tree: ast.Module) -> Iterator[str]:
    """String constants and the fixed parts of f-strings, without docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_documents_use_the_terms(document: Path) -> None:
    assert forbidden(document.read_text(encoding="utf-8")) == []


def test_messages_use_the_terms() -> None:
    trees = {file.relative_to(ROOT): ast.parse(file.read_text(encoding="utf-8")) for file in MODULES}
    found = {(str(file), word) for file, tree in trees.items() for text in messages(tree) for word in forbidden(text)}

    assert found == set()


@pytest.mark.parametrize(
    "text", ["It is done anew", "leave the ids\naway", "'x' is no number", "on the Blacklist", "no URL of a server"]
)
def test_a_forbidden_word_is_found(text: str) -> None:
    assert forbidden(text)


@pytest.mark.parametrize("text", ["```\nanew\n```", "`blacklist`", "there are no numbers", "a new asset"])
def test_code_and_ordinary_words_are_not(text: str) -> None:
    assert forbidden(text) == []


def test_messages_are_strings_and_no_docstrings() -> None:
    tree = ast.parse('"""Module."""\ndef f(x):\n    """Doc."""\n    return f"left {x} right" + "plain"\n')

    assert set(messages(tree)) == {"left ", " right", "plain"}
