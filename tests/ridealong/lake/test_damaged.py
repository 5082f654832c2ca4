"""Files that are not what their name says: told apart one by one, for work that can do without."""

from pathlib import Path

from ridealong.lake import Lake, write_blob


def test_each_kind_of_damage_is_told_of_its_own_file(home: Path, tmp_path: Path) -> None:
    lake, names = Lake.create(home), []
    for number in range(4):
        source = tmp_path / f"clip{number}"
        source.write_bytes(bytes(range(200)) + bytes([number]))
        names.append(write_blob(home, lake.new_commit_id(), source, ".mcap").path)
    whole, flipped, short, missing = (home / name for name in names)
    assert lake.damaged(names) == {}
    flipped.write_bytes(b"\x01" + flipped.read_bytes()[1:])
    short.write_bytes(short.read_bytes()[:-1])
    missing.unlink()
    found = lake.damaged(names)
    assert list(found) == names[1:] and whole.exists()
    assert "damaged" in found[names[1]] and "damaged" in found[names[2]]
    assert "missing" in found[names[3]]
