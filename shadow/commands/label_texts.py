"""What the commands about label sets print."""

from collections.abc import Mapping
from typing import Any

from ridealong.terminal.console import Console
from ridealong.terminal.readable import counted, value


def print_export(console: Console, report: Mapping[str, Any]) -> None:
    """Print the document of ``labels export`` as text."""
    done, about = ("would write", "about ") if report["dry_run"] else ("wrote", "")
    if "items" in report:
        pictures = counted(report["pictures"], "picture")
        pairs = [(done, f"{counted(report['items'], 'item')}, {pictures}")]
    else:
        clips, megabytes = counted(report["clips"], "clip"), value(report["megabytes"])
        pairs = [(done, f"{clips}, {about}{megabytes} MB")]
    pairs.append(("folder", report["out"]))
    if "images" in report:
        pairs += _image_pairs(report)
    pairs += [("not in format", one) for one in report.get("lacks", ())]
    console.record(pairs)
    console.paragraph(f"order: {report['order']} ({report['reason']})")


def _image_pairs(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    labelled, unlabelled = value(report["labelled"]), value(report["unlabelled"])
    labels, ignored = value(report["annotations"]), value(report["ignored"])
    pairs = [
        ("images", f"{labelled} labelled, {unlabelled} unlabelled"),
        ("labels", f"{labels}, of which {ignored} are ignored"),
    ]
    for role, count in report["prelabels"].items():
        said = counted(count, "pre-label")
        if "results" in report:
            said += f"; {value(report['results'][role])} boxes at any score on labelled images"
        pairs.append((role, said))
    return pairs


def print_import(console: Console, report: Mapping[str, Any]) -> None:
    """Print the document of ``labels import`` as text."""
    changed = report["versions"]
    done = "would change" if report["dry_run"] else "changed"
    console.record(
        [
            (done, f"the labels of {value(len(changed))} of {counted(report['clips'], 'clip')}"),
            ("images", value(report["images"])),
            ("labels", value(report["labels"])),
            ("unconfirmed", f"{counted(report['unconfirmed'], 'pre-label')}, left out"),
        ]
    )
    if report["relabelled"]:
        one = len(report["relabelled"]) == 1
        console.paragraph(
            f"{counted(len(report['relabelled']), 'clip')} {'has' if one else 'have'} newer labels "
            "than the export: in its frames they are replaced"
        )
    if not report["manifest"]:
        console.paragraph("found no manifest of an export: images were matched by their names")
