"""Colours and spacing of all pages, in light and dark.

Verdicts have a colour and a mark, so that nothing depends on colour alone. The scale of effects is
safe for colour blindness, and its ends differ in lightness from its middle, so it reads in grey.

Markup and components use the colours as custom properties of CSS, such as ``var(--muted)``, which
shadow trees inherit (`tokens`).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from metrics.gate.cells import Verdict

STYLE = Path(__file__).with_suffix(".css")
MARKS = {Verdict.PASS: "✓", Verdict.REGRESSED: "✕", Verdict.INCONCLUSIVE: "?"}


@dataclass(frozen=True)
class Palette:
    """The colours of charts in one theme.

    Attributes:
        text, muted: Of labels, and of what matters less.
        surface: Behind charts.
        line: Of axes and grids.
        primary: Of the buttons of the next step.
        effect: From a loss over no change to a gain, seven steps.
        unknown: Of cells without a number.
        chosen: The frame of what is chosen.
        verdicts: By verdict.
        accent: Of bars and of what was kept.
        suppressed: Of events by why they were suppressed, from harmless to a budget used up.
        series: Of things without an order, such as triggers on a map.
        roads: Of highways and of streets.
        track: Of the ways of drives.
        deployed, candidate, labels: Of networks and labels, on pictures and in charts.
    """

    text: str
    muted: str
    surface: str
    line: str
    primary: str
    effect: tuple[str, ...]
    unknown: str
    chosen: str
    verdicts: dict[Verdict, str]
    accent: str
    suppressed: tuple[str, ...]
    series: tuple[str, ...]
    roads: tuple[str, str]
    track: str
    deployed: str = "#38bdf8"
    candidate: str = "#fb923c"
    labels: str = "#a3e635"


LIGHT = Palette(
    text="#0f172a",
    muted="#475569",
    surface="#ffffff",
    line="#cbd5e1",
    primary="#1d4ed8",
    effect=("#b2182b", "#ef8a62", "#fddbc7", "#f7f7f7", "#d1e5f0", "#67a9cf", "#2166ac"),
    unknown="#d8dee8",
    chosen="#a21caf",
    verdicts={
        Verdict.PASS: "#15803d",
        Verdict.REGRESSED: "#b91c1c",
        Verdict.INCONCLUSIVE: "#92400e",
    },
    accent="#0369a1",
    suppressed=("#cbd5e1", "#94a3b8", "#fcd34d", "#fb923c", "#dc2626", "#475569"),
    series=(
        *("#dc2626", "#b45309", "#15803d", "#7c3aed", "#db2777", "#0f766e"),
        *("#92400e", "#0369a1", "#4d7c0f", "#1d4ed8", "#c026d3", "#475569"),
    ),
    roads=("#c2cad6", "#dde2e9"),
    track="#38bdf8",
)
DARK = Palette(
    text="#f1f5f9",
    muted="#a8b3c4",
    surface="#0e1117",
    line="#3b4556",
    primary="#60a5fa",
    effect=("#f4a08a", "#c9543f", "#7a3530", "#2b3140", "#2f5670", "#4a8fbd", "#9ccbec"),
    unknown="#1c2230",
    chosen="#e879f9",
    verdicts={
        Verdict.PASS: "#4ade80",
        Verdict.REGRESSED: "#f87171",
        Verdict.INCONCLUSIVE: "#fbbf24",
    },
    accent="#38bdf8",
    suppressed=("#475569", "#64748b", "#ca8a04", "#ea580c", "#ef4444", "#94a3b8"),
    series=(
        *("#f87171", "#fbbf24", "#4ade80", "#a78bfa", "#f472b6", "#2dd4bf"),
        *("#d6a77a", "#38bdf8", "#a3e635", "#818cf8", "#e879f9", "#cbd5e1"),
    ),
    roads=("#4b5566", "#2f3747"),
    track="#0e7490",
)
SERIES = len(LIGHT.series)  # colours, in both themes
# On pictures and videos, which are the same in both themes.
PICTURES = {
    "--picture": "#0b0f14",
    "--on-picture": "#cbd5e1",
    "--caption": "#000c",
    "--on-caption": "#ffffff",
    "--lost": "#dc2626",
    "--labelled": "#65a30d",
}
OPTIONS: dict[str, Any] = {
    f"theme.{name}.{option}": value
    for name, palette, secondary in (("light", LIGHT, "#f1f5f9"), ("dark", DARK, "#1a202c"))
    for option, value in {
        "backgroundColor": palette.surface,
        "secondaryBackgroundColor": secondary,
        "textColor": palette.text,
        "borderColor": palette.line,
        "primaryColor": palette.primary,
    }.items()
}


def style() -> str:
    """The style of all pages, in the theme that the browser shows now."""
    known = "".join(f"{name}: {colour};" for name, colour in tokens(palette()).items())
    return f":root {{ {known} }} {_rules()}"


@cache
def _rules() -> str:
    return STYLE.read_text("utf-8")


def tokens(palette: Palette) -> dict[str, str]:
    """The colours of a theme as custom properties of CSS."""
    plain = ("text", "muted", "surface", "line", "primary", "unknown", "chosen", "accent")
    return {
        **{f"--{name}": getattr(palette, name) for name in plain},
        "--on-primary": palette.surface,  # white would be too faint in the dark theme
        "--ink-unknown": ink_on(palette.unknown),
        **{f"--effect-{at}": colour for at, colour in enumerate(palette.effect)},
        **{f"--ink-{at}": ink_on(colour) for at, colour in enumerate(palette.effect)},
        **{f"--series-{at}": colour for at, colour in enumerate(palette.series)},
        **dict(zip(("--highway", "--street"), palette.roads, strict=True)),
        "--track": palette.track,
        **{f"--{name.lower()}": colour for name, colour in palette.verdicts.items()},
        **PICTURES,
    }


def ink_on(colour: str) -> str:
    """Black or white: whichever is readable on a colour, with a contrast of at least 4.5."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if light > 0.179 else "#ffffff"  # where both have the same contrast


def palette() -> Palette:
    """The colours of the theme that the browser shows now."""
    return DARK if st.context.theme.type == "dark" else LIGHT
