"""Drafts the manifest of an entry point of an installed package."""

import re
from importlib.metadata import EntryPoint

from ridealong.installed import origin
from shadow.networks.drafting import RATE_HZ, Draft, Guess, Open, network_name
from shadow.networks.python.entry import entry_point_named


def draft_python(name: str) -> Draft:
    """The draft of the manifest of an entry point; its code is not run.

    Raises:
        NotInstalledError: No installed package has an entry point of that name.
        RidealongError: Several packages have one.
    """
    point = entry_point_named(name)
    assert point.dist is not None
    document = {
        "name": network_name(name),
        "version": re.sub(r"[^0-9A-Za-z._]+", "_", point.dist.version),
        "description": Guess(
            _told(point, "Summary") or f"The network {name} of {point.dist.name}."
        ),
        "licence": Guess(_told(point, "License-Expression", "License") or "not stated"),
        "trained": Guess("not stated"),
        "kind": "python",
        "entry_point": name,
        "package": point.dist.name,
        "package_version": point.dist.version,
        "inputs": {"cameras": Open("such as [main, rear]"), "rate_hz": Guess(RATE_HZ)},
        "by_frame": Guess(False),
        "predictions": Open("what it gives, such as [objects/car@main, depth@main]"),
    }
    return Draft(document, {"package": origin(point), "value": point.value})


def _told(point: EntryPoint, *keys: str) -> str | None:
    """The first of these of the package's metadata that is one short line."""
    assert point.dist is not None
    about = point.dist.metadata
    texts = (about[key] for key in keys if key in about)
    return next((t for t in texts if t and t != "UNKNOWN" and len(t.splitlines()) == 1), None)
