"""The package that a page of the documentation shows, installed in a folder."""

import re
import tomllib
from pathlib import Path

FILE = re.compile(r"# (\S+\.(?:py|yaml))\n")  # first line of a block that is a file


def blocks(page: str, language: str) -> list[str]:
    """The page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def install_package(page: str, folder: Path) -> None:
    """Write the page's files and the package's metadata.

    ``PYTHONPATH`` makes it an installed package, if it names the folder.
    """
    for text in blocks(page, "python") + blocks(page, "yaml"):
        if named := FILE.match(text):
            path = folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    project = tomllib.loads(blocks(page, "toml")[0])["project"]
    name = project["name"].replace("-", "_")
    info = folder / f"{name}-{project['version']}.dist-info"
    info.mkdir()
    head = {"Metadata-Version": "2.1", "Name": project["name"], "Version": project["version"]}
    if "description" in project:
        head["Summary"] = project["description"]
    (info / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in head.items()))
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
