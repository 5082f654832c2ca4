"""What the page Triggers changes: it saves, pauses, activates and applies triggers."""

import streamlit as st

from dashboard import session
from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.navigation import address
from dashboard.text import plain
from dashboard.triggers.drafts import Draft, drop
from ingest.dry_run import DryRun
from ingest.triggers.home import HomeTrigger, State, save_trigger, set_state
from ridealong.lake import Lake
from ridealong.terminal.readable import counted

APPLY_HELP = (
    "Evaluates the saved version on the drives in this home, and cuts clips from their recordings. "
    "Existing clips stay. It runs in the background."
)


def save(draft: Draft) -> None:
    """Save the text as a new version; its trigger is opened then."""
    draft.read()
    made: list[HomeTrigger] = []

    def change(lake: Lake) -> Change:
        # Under another name it is another trigger, which this text was not opened from.
        replaces = draft.base if draft.name and _names(draft.text, draft.name) else None
        before, after = save_trigger(
            lake, draft.text, where="the text", replaces=replaces, who=_who()
        )
        made.append(after)
        return _state(before), _state(after)

    if not act("triggers save", draft.name or "a new trigger", change, "The trigger is saved."):
        return
    (after,) = made
    if after.name == draft.name:
        draft.saved(after)
        return
    drop(draft)
    st.query_params.from_dict({"trigger": after.name})


def _names(text: str, name: str) -> bool:
    return any(line.partition("#")[0].split() == ["name:", name] for line in text.splitlines())


def keep_mine(draft: Draft, theirs: HomeTrigger) -> None:
    """The text shall replace the version that somebody else has saved."""
    draft.base = theirs.sha256


def toggle(trigger: HomeTrigger) -> None:
    """Pause an active trigger, or activate a paused one."""
    state = State.PAUSED if trigger.is_active else State.ACTIVE
    command = "triggers activate" if state is State.ACTIVE else "triggers pause"

    def change(lake: Lake) -> Change:
        before, after = set_state(lake, trigger.name, state, _who())
        return _state(before), _state(after)

    act(command, trigger.name, change, f"The trigger {trigger.name} is {state} now.")


def apply_button(name: str, over: str | None, label: str, *, disabled: bool) -> None:
    """The button that applies a saved trigger in the background."""
    why = refusal()
    st.button(
        label,
        on_click=_apply,
        args=(name, over),
        disabled=disabled or why is not None,
        help=why or APPLY_HELP,
    )


def _apply(name: str, over: str | None) -> None:
    words = ["triggers", "apply", name, "--keep-going"]
    words += ["--over", over] if over else []

    def change(_: Lake) -> Change:
        job = jobs.start(f"Apply {name}", words, lambda result: applied(name, result))
        return None, {"job": job.job_id, "command": words}

    act("triggers apply", name, change)


def applied(name: str, result: dict[str, object]) -> str:
    """What came out of applying a trigger, as Markdown."""
    said = (
        f"{counted(int(str(result['events'])), 'event')} recorded, "
        f"[{counted(int(str(result['clips'])), 'clip')} cut]({address('clips', trigger=name)})."
    )
    failures = result["failures"]
    if isinstance(failures, list) and failures:
        drives = counted(int(str(result["files_failed"])), "drive")
        said += f" {drives} could not be done: {plain(str(failures[0]))}"
    return said


def pending(found: DryRun) -> str:
    """What applying would add, in a sentence."""
    if not found.drives:
        return "Applied to all of these drives."
    said = (
        f"Adds {counted(found.fires, 'event')} and about {found.megabytes:,.1f} MB of clips, from "
        f"{counted(found.drives, 'drive')} that it was not applied to."
    )
    if found.recordings_gone:
        gone = counted(found.recordings_gone, "recording")
        said += f" {gone} of them cannot be found any more, so {found.clips_gone:,} are left out."
    return said


def _who() -> str | None:
    return session.permission().person(st.context.headers)


def _state(trigger: HomeTrigger | None) -> dict[str, object] | None:
    """A trigger's state for the record of changes."""
    if trigger is None:
        return None
    return {"state": trigger.state, "version": trigger.sha256, "text": trigger.text}
