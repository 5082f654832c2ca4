"""The page Triggers: what finds clips; tried, saved, paused and applied without a shell."""

from pathlib import Path

import streamlit as st

from dashboard import session
from dashboard.actions.acting import refusal
from dashboard.components import component
from dashboard.first_steps import NO_DRIVES
from dashboard.navigation import address
from dashboard.text import plain
from dashboard.theme import palette
from dashboard.triggers import charts, doing, markup, queries
from dashboard.triggers.drafts import Draft, draft_of, new_draft
from dashboard.triggers.queries import Checked
from dashboard.words import help_of
from ingest.dry_run import DryRun
from ingest.schemas import CLIPS, DRIVES, EVENTS, TELEMETRY
from ingest.triggers.home import HomeTrigger, home_triggers
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted

FOLDER = Path(__file__).parent
EMPTY = NO_DRIVES + "Active triggers are evaluated as drives are added."
OVER = "Only drives where"
OVER_HELP = (
    "A condition over the drives, such as light = 'night' and country = 'DE'. The preview and "
    "Apply then use only the drives for which it is true."
)


def page() -> None:
    """Lay out the page: the list, or the editor of the trigger in the address."""
    snapshot = session.snapshot(session.home())
    st.html(str(markup.style(palette())))
    known = {trigger.name: trigger for trigger in home_triggers(snapshot)}
    asked, copied = st.query_params.get("trigger"), st.query_params.get("copy")
    if asked in known:
        _edit(snapshot, known, draft_of(known[asked]))
    elif copied in known:
        _edit(snapshot, known, new_draft(_copy_of(known[copied]), copied))
    elif "new" in st.query_params:
        _edit(snapshot, known, new_draft(queries.TEMPLATE))
    else:
        _list(snapshot, asked or copied)


def _say_refusal() -> None:
    if why := refusal():
        st.caption(plain(why))


def _list(snapshot: Snapshot, gone: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Triggers", anchor=False, help=help_of("trigger"))
        st.html(markup.button("New trigger", address("triggers", new="1")), width="content")
    _say_refusal()
    if gone is not None:
        st.warning(f"There is no trigger {plain(gone)} in this home. These are all that there are.")
    listed = queries.listed(snapshot)
    if not any(one.events for one in listed) and not queries.telemetry_drives(snapshot):
        st.info(EMPTY)
    st.html(markup.listing(listed))


def _copy_of(trigger: HomeTrigger) -> str:
    """The text with another name, so that saving it makes a second trigger."""
    return trigger.text.replace(f"name: {trigger.name}", f"name: {trigger.name}_2", 1)


def _edit(snapshot: Snapshot, known: dict[str, HomeTrigger], draft: Draft) -> None:
    now = known.get(draft.name or "")
    checked = queries.checked(draft.text)
    _head(now, draft)
    _say_refusal()
    told = st.container()  # always there: what is below keeps its place
    if now is not None and now.sha256 != draft.base:
        with told:
            _conflict(now, draft)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    with buttons:
        _buttons(now, draft, checked)
    left, right = st.columns(2, gap="large")
    with left:
        component(FOLDER, "editor")(
            key=draft.key,
            data={
                "text": draft.text,
                "mistakes": [{"line": m.line, "text": m.text} for m in checked.mistakes],
                "signals": queries.signals(),
            },
            on_text_change=draft.read,
            height=630,
        )
    with right:
        over = _over()
        _preview(snapshot, checked, over)
    if now is not None:
        with buttons:  # last, because it takes the longest
            _apply(snapshot, now, draft, over)


def _head(now: HomeTrigger | None, draft: Draft) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(markup.back(), width="content")
        st.title("New trigger" if now is None else plain(now.name), anchor=False, width="content")
        state = "not saved yet" if now is None else markup.state(now)
        st.html(markup.beside(state))


def _conflict(now: HomeTrigger, draft: Draft) -> None:
    """Somebody saved another version: told at once, and nothing of either is lost."""
    by = f" by {plain(now.who)}" if now.who else ""
    st.warning(
        f"This trigger was saved{by} while you were editing it. Your text is still here, and "
        "nothing was overwritten. Compare the two, then keep one."
    )
    with st.expander("What differs"):
        st.code("\n".join(queries.difference(draft.text, now.text)), language="diff")
    with st.container(horizontal=True):
        st.button("Keep mine", on_click=doing.keep_mine, args=(draft, now), help=(
            "Your text replaces theirs when you save it."))  # fmt: skip
        st.button("Take theirs", on_click=draft.take, args=(now,), help="Your changes are dropped.")


def _buttons(now: HomeTrigger | None, draft: Draft, checked: Checked) -> None:
    why = refusal()
    mistakes = len(checked.mistakes)
    st.button(
        "Save",
        type="primary",
        on_click=doing.save,
        args=(draft,),
        disabled=why is not None or mistakes > 0,
        help=why or "Ingest then uses this version. Earlier versions are kept.",
    )
    if now is not None:
        st.button(
            "Pause" if now.is_active else "Activate",
            on_click=doing.toggle,
            args=(now,),
            disabled=why is not None,
            help=why or markup.STATE_HELP,
        )
        copy = address("triggers", copy=now.name)
        st.html(markup.button("Duplicate", copy), width="content")
        clips = address("clips", trigger=now.name)
        st.html(markup.button("See its clips", clips), width="content")
    if mistakes:
        st.markdown(f"✕ {counted(mistakes, 'mistake')} in the text", width="content")
    elif draft.changed:
        st.markdown("Unsaved changes", width="content")


def _over() -> str | None:
    """The drives that the preview looks at, kept in the address."""
    asked = st.query_params.get("over", "")
    over = st.text_input(OVER, asked, placeholder="all drives", help=OVER_HELP, key="over")
    if over.strip() and over != asked:
        st.query_params["over"] = over
    elif not over.strip() and "over" in st.query_params:
        del st.query_params["over"]
    return over.strip() or None


def _preview(snapshot: Snapshot, checked: Checked, over: str | None) -> None:
    """What the text would find, before it is saved."""
    if checked.spec is None:
        st.info("The preview is shown as soon as the text has no mistakes.")
        return
    if not queries.telemetry_drives(snapshot):
        st.info("No drive in this home has telemetry, so there is nothing to try the trigger on.")
        return
    text = checked.spec.model_dump_json()
    try:
        found = _tried(_version(snapshot), text, over, False, snapshot, checked)
    except RidealongError as error:
        st.error(plain(str(error).replace("--over", OVER)))
        return
    trigger = found.triggers[0]
    st.html(markup.figures(found))
    if found.drives_not_drawn:
        st.caption(
            f"Drawn by hash. {found.drives_not_drawn:,} more drives are left out, because "
            "they are too many for a page; `ridealong triggers dry-run` looks at all of them."
        )
    for line in (*queries.warnings(checked.spec, snapshot), *found.notes):
        st.warning(plain(line))
    rows, curve = st.tabs(["By slice", "Threshold"])
    with rows:
        st.html(markup.rates(trigger.total, trigger.slices))
    with curve:
        if len(trigger.curve) > 1:
            unit = " or ".join(trigger.units)
            st.altair_chart(
                charts.curve_chart(trigger.curve, unit, palette()),
                alt="Events that remain at stricter thresholds",
            )
            st.caption(help_of("threshold curve").replace("`", ""))
        else:
            st.caption("No event has a margin, so there is no threshold to vary.")


def _version(snapshot: Snapshot) -> str:
    return session.version(snapshot, DRIVES, TELEMETRY, EVENTS, CLIPS)


@st.cache_data(max_entries=64, show_spinner="Trying the trigger on the telemetry")
def _tried(
    version: str,
    spec: str,
    over: str | None,
    only_new: bool,
    _snapshot: Snapshot,
    _checked: Checked,
) -> DryRun:
    """A dry run; cached until drives, telemetry, events or clips change."""
    assert _checked.spec is not None
    return queries.tried(_snapshot, _checked.spec, over, only_new=only_new)


def _apply(snapshot: Snapshot, now: HomeTrigger, draft: Draft, over: str | None) -> None:
    """What applying the saved version would add, and the button that does it."""
    checked = queries.checked(now.text)
    if draft.changed or checked.spec is None or not queries.telemetry_drives(snapshot):
        return
    if queries.is_big(snapshot):
        doing.apply_button(now.name, over, "Apply", disabled=False)
        st.caption(f"How many clips? `ridealong triggers dry-run {now.name}` says it.")
        return
    text = checked.spec.model_dump_json()
    try:
        found = _tried(_version(snapshot), text, over, True, snapshot, checked)
    except RidealongError:
        return  # the preview says it
    label = f"Apply: cut {counted(found.clips, 'clip')}" if found.clips else "Apply"
    doing.apply_button(now.name, over, label, disabled=not found.drives)
    st.caption(plain(doing.pending(found)))


page()
