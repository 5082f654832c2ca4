"""The command that writes a run's report to a file."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of
from ridealong.terminal.readable import size
from shadow.commands.options import RunArgument

if TYPE_CHECKING:
    from dashboard.reports.content import Content
    from dashboard.reports.pictures import Pictures
    from ridealong.lake import Lake

app = typer.Typer()


class ReportFormat(StrEnum):
    """File formats of a report."""

    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"


@app.command("report", short_help="Write a run's verdict as a JUnit, Markdown or HTML file.")
def report(
    out: Annotated[Path, typer.Option(help="File to write. An existing file is replaced.")],
    kind: Annotated[ReportFormat, typer.Option("--format", help="File format.")],
    run: RunArgument = "latest",
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images of result files, for html.", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's verdict as a file for CI.

    The exit code is 0 whatever the verdict. `shadow report` and `gate check` exit by the verdict.

    junit: one test case per required check. REGRESSED is a failure, INCONCLUSIVE an error.
    markdown: a comment for a pull request: the verdict, what did not pass, and what cost most.
    html: one file with pictures, which loads nothing from the network.

    Example: ridealong report latest --format junit --out verdict.xml
    """
    from dashboard.reports.content import content_of
    from dashboard.reports.files import check_target, write_whole
    from ridealong.lake import Lake

    check_target(out)
    _check_images(images, kind)
    console = Console(as_json)
    lake = Lake.open(home_of(home))
    content = content_of(lake.snapshot(), run)
    written = _written(lake, content, kind, images, console)
    write_whole(out, written)
    document = {
        "run": content.document["run"],
        "verdict": content.verdict,
        "format": kind.value,
        "out": str(out),
        "bytes": len(written),
    }
    console.result(document)
    console.text(f"{out}: {content.verdict}, {size(len(written))}")


def _check_images(images: Path | None, kind: ReportFormat) -> None:
    from ridealong.errors import RidealongError

    if images is None:
        return
    if kind is not ReportFormat.HTML:
        raise RidealongError("--images is for --format html alone")
    if not images.is_dir():
        raise RidealongError("there is no such folder", where=images, expected="a folder of images")


def _written(
    lake: "Lake", content: "Content", kind: ReportFormat, images: Path | None, console: Console
) -> bytes:
    from dashboard.reports.junit import junit
    from dashboard.reports.markdown import markdown

    if kind is ReportFormat.JUNIT:
        return junit(content)
    if kind is ReportFormat.MARKDOWN:
        return markdown(content).encode()
    from dashboard.reports.html import page

    return page(content, _pictures(lake, content, images, console))


def _pictures(
    lake: "Lake", content: "Content", images: Path | None, console: Console
) -> "list[Pictures]":
    """The pictures of the costliest; without them, the page says why."""
    from dashboard.reports.clip_pictures import clip_pictures
    from dashboard.reports.frame_pictures import frame_pictures
    from dashboard.reports.pictures import none_because
    from ridealong.errors import RidealongError

    try:
        if content.of_files:
            return frame_pictures(lake.snapshot(), content, images)
        return clip_pictures(lake, content, console)
    except RidealongError as error:
        return [none_because(error) for _ in content.costly]
