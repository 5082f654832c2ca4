"""The page Triggers as markup: the list with real links, and the rates of a dry run."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dashboard.navigation import address
from dashboard.reports.markup import Html, element, joined
from dashboard.theme import Palette
from dashboard.triggers.queries import Listed
from dashboard.words import help_of
from ingest.dry_run import DryRun, Rates
from ingest.triggers.home import HomeTrigger, Origin, State
from ridealong.terminal.readable import counted, number

STYLE = Path(__file__).with_name("triggers.css")
STATE_MARKS = {State.ACTIVE: "●", State.PAUSED: "‖"}
REASONS = {
    "post_window": "shown by an earlier clip",
    "cooldown": "in a cooldown",
    "sampled_out": "sampled out",
    "budget_vehicle_day": "over the vehicle's budget",
    "budget_day": "over the day's budget",
    "unreadable": "not readable",
}
STATE_HELP = "Ingest evaluates active triggers, and leaves paused ones out."
CONDITION_HELP = "The trigger fires as this becomes true."


@cache
def _rules() -> str:
    return STYLE.read_text("utf-8")


def style(palette: Palette) -> Html:
    """The style of this page in one theme."""
    known = f"--text: {palette.text}; --muted: {palette.muted}; --surface: {palette.surface}; "
    return Html(f"<style>.triggers {{ {known}--line: {palette.line}; }} {_rules()}</style>")


def listing(triggers: Sequence[Listed]) -> Html:
    """The list of triggers as a table."""
    heads = joined(
        _head("Trigger", help_of("trigger")),
        _head("State", STATE_HELP),
        _head("Condition", CONDITION_HELP),
        _head("Events", help_of("event"), "number"),
        _head("Kept", help_of("kept"), "number"),
        _head("Clips", help_of("clip"), "number"),
        _head("Suppressed", help_of("suppressed")),
    )
    rows = joined(*map(_row, triggers))
    return _table("list", "Triggers", heads, rows)


def _row(one: Listed) -> Html:
    return element(
        "tr",
        element("th", _name(one), scope="row"),
        element("td", state(one.trigger) if one.trigger else "not in this home"),
        element("td", element("code", one.condition, title=one.condition), class_="condition"),
        _number(one.events),
        _number(one.kept),
        element("td", _clips(one), class_="number"),
        element("td", _suppressed(one.suppressed), class_="reasons"),
    )


def _name(one: Listed) -> Html:
    if one.trigger is None:
        return element("span", one.name)
    link = element("a", one.name, href=address("triggers", trigger=one.name))
    about = one.spec.description if one.spec else "This version does not accept its text."
    return joined(link, element("div", about, class_="about", title=about))


def state(trigger: HomeTrigger) -> Html:
    """Whether a trigger is active, and where it is from."""
    origin = "included" if trigger.origin is Origin.SHIPPED else "saved"
    if trigger.replaces_shipped:
        origin = "saved, replaces the included one"
    mark = element("span", STATE_MARKS[trigger.state], class_="mark", aria_hidden="true")
    who = f" by {trigger.who}" if trigger.who else ""
    about = element("div", origin + who, class_="about")
    return joined(element("span", mark, f" {trigger.state}", class_=str(trigger.state)), about)


def _clips(one: Listed) -> Html:
    if not one.clips:
        return element("span", "0")
    label = f"{counted(one.clips, 'clip')} of {one.name}"
    return element("a", f"{one.clips:,}", href=address("clips", trigger=one.name), aria_label=label)


def _suppressed(reasons: dict[str, int]) -> Html:
    return joined(
        *(
            element("span", f"{count:,} {REASONS.get(reason, reason)}", class_="reason")
            for reason, count in reasons.items()
        )
    )


def rates(total: Rates, slices: Sequence[Rates]) -> Html:
    """Fires by slice as a table; each rate has the driving that it is from."""
    heads = joined(
        _head("Slice", help_of("slice")),
        _head("Drives", help_of("drive"), "number"),
        _head("Hours", "Hours recorded, with telemetry.", "number"),
        _head("Fires", help_of("event"), "number"),
        _head("Per hour", "Events per hour recorded.", "number"),
        _head("Per 1,000 km", "Events per 1,000 km, on drives with a known distance.", "number"),
    )
    return _table("rates", "Fires by slice", heads, joined(*map(_rate, (total, *slices))))


def _rate(rate: Rates) -> Html:
    name = "all" if rate.attribute is None else f"{rate.attribute} = {rate.value}"
    return element(
        "tr",
        element("th", name, scope="row"),
        _number(rate.drives),
        element("td", f"{rate.hours:,.1f}", class_="number"),
        _number(rate.fires),
        element("td", number(rate.fires_per_hour, 2), class_="number"),
        element("td", number(rate.fires_per_1000_km, 2), class_="number"),
    )


def _table(kind: str, label: str, heads: Html, rows: Html) -> Html:
    table = element(
        "table", element("thead", element("tr", heads)), element("tbody", rows), aria_label=label
    )
    return element("div", table, class_=f"triggers {kind}", tabindex=0, role="region",
                   aria_label=label)  # fmt: skip


def _head(name: str, about: str, kind: str | None = None) -> Html:
    return element("th", element("span", name, _tip(about), tabindex=0), scope="col", class_=kind)


def _number(value: int) -> Html:
    return element("td", f"{value:,}", class_="number")


def button(text: str, href: str) -> Html:
    """A link that looks like a button."""
    return element("p", element("a", text, href=href, class_="button"), class_="triggers")


def beside(state: Html | str) -> Html:
    """The state of a trigger, beside its name."""
    return element("div", state, class_="triggers state")


def back() -> Html:
    """The way back to the list."""
    return element("p", element("a", "← All triggers", href="/triggers"), class_="triggers back")


def figures(found: DryRun) -> Html:
    """What a dry run says first: how often, how many clips, how large."""
    shown = (
        ("Fires", f"{found.fires:,}", help_of("event")),
        ("Per hour", number(found.fires_per_hour, 2), "Events per hour recorded."),
        ("Per 1,000 km", number(found.fires_per_1000_km, 2), "Events per 1,000 km driven."),
        ("Clips", f"{found.clips:,}", "Overlapping windows are one clip."),
        ("Size", f"{found.megabytes:,.1f} MB", f"Estimated from {found.size_basis}."),
    )
    boxes = (
        element("div", element("dt", name, _tip(about), tabindex=0), element("dd", value))
        for name, value, about in shown
    )
    kept = f"{found.kept:,} kept"
    kept += "".join(f", {n:,} {REASONS.get(why, why)}" for why, n in found.suppressed.items())
    seen = f"over {counted(found.drives, 'drive')}"
    seen += f", {found.hours:,.1f} h, {found.km:,.1f} km"
    return element(
        "div",
        element("dl", *boxes),
        element("p", f"It would fire {counted(found.fires, 'time')} {seen}: {kept}."),
        class_="triggers figures",
    )


def _tip(about: str) -> Html:
    return element("span", about, class_="tip", role="tooltip")
