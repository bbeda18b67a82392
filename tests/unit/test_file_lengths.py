"""A test file has one subject; a file that is too long has several."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
LONGEST = 300


def lengths(directory: Path) -> dict[str, int]:
    """Number of lines of every Python file in this directory, by relative path."""
    files = directory.rglob("*.py")
    return {str(file.relative_to(directory)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def test_no_test_file_is_too_long() -> None:
    found = lengths(TESTS)

    assert Path(__file__).name in {Path(name).name for name in found}
    assert {name: lines for name, lines in found.items() if lines > LONGEST} == {}


def test_a_long_file_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "test_long.py").write_text("\n" * 301, encoding="utf-8")

    assert lengths(tmp_path) == {"folder/test_long.py": 301}
