"""What a console prints of names that come from files."""

import pytest

from ridealong.terminal.console import Console


def test_control_characters_in_prose_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.paragraph("undecided: \x1b[31mred\nrecall")
    console.note("warning: \x1b[31mred\nrecall")
    printed = capsys.readouterr()
    assert printed.out == "undecided: \\x1b[31mred recall\n"
    assert printed.err == "warning: \\x1b[31mred recall\n"
