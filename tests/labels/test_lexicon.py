import pytest

from lstm_analysis.errors import UsageError
from lstm_analysis.labels.lexicon import read_lexicon


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a: [b", "is not valid YAML: "),
        ("- a\n- b\n", "must be a mapping of names to patterns, such as 'red tape: red tape', found a list"),
        ("", "found nothing"),
        ("{}", "found a mapping"),
        ("a: b\na: c\n", "names 'a' more than once; only the last would count"),
        ("on: b\n", "has the name True, which YAML does not read as a text. Put it in quotes"),
        ("1934: b\n", "has the name 1934"),
        ("'': b\n", "has the name ''"),
        ("a: [yes, b]\n", "'a': YAML reads the entry True as a truth value, not as a text. Put it in quotes"),
        ("a:\n", "'a': YAML reads the entry None as nothing"),
        ("a: {b: c}\n", "'a': YAML reads the entry {'b': 'c'} as a mapping"),
        ("a: [7]\n", "as a value of type int"),
        ("a: []\n", "has no pattern for 'a'; write at least one, or remove the name"),
        ("a: b ~\n", "'a': a pattern must begin and end with a word, not with the gap '~'; found 'b ~'"),
    ],
)
def test_wrong_file_is_refused_with_its_name(tmp_path, text, wrong):
    file = tmp_path / "concepts.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_lexicon(file)
    assert str(file) in str(caught.value)
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"No such file or directory. Check the path"):
        read_lexicon(tmp_path / "no.yaml")


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("a: café\n".encode("latin1"))
    with pytest.raises(UsageError, match=r"is not valid UTF-8: byte 6 is 0xe9. Convert it first"):
        read_lexicon(tmp_path / "latin.yaml")


def test_python_objects_are_not_built(tmp_path):
    (tmp_path / "evil.yaml").write_text("a: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(UsageError, match="is not valid YAML"):
        read_lexicon(tmp_path / "evil.yaml")
