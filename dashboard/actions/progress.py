"""Jobs as widgets: how far they are, a button that stops them, and what came out."""

from collections.abc import Sequence

import streamlit as st

from dashboard.actions import jobs
from dashboard.actions.acting import Change, act, refusal
from dashboard.actions.jobs import Job, State
from dashboard.text import plain
from dashboard.theme import palette
from ridealong.lake import Lake

_OPEN = "ridealong-jobs"  # ids of the jobs that this browser watches
# The line stands over the page's lower edge, so that nothing moves when a job starts or ends.
_STYLE = """<style>
.st-key-jobs-line {{ position: fixed; left: 0; right: 0; bottom: 0; z-index: 100; gap: 0.2rem;
  padding: 0.4rem 2rem 0.6rem 2rem; background: {surface}; border-top: 1px solid {line}; }}
[data-testid=stMainBlockContainer] {{ padding-bottom: 7rem; }}
</style>"""


def line() -> None:
    """A line for each job that runs, and for those that ended before this browser's eyes.

    Without jobs this draws nothing. The page asks for news only while a job runs.
    """
    found = _watched()
    if any(not job.state.ended for job in found):
        _following()
    elif found:
        _draw(found)


def _watched() -> list[Job]:
    """The jobs to show: those that run, and those seen running and not put away since."""
    watched: set[str] = st.session_state.setdefault(_OPEN, set())
    found = jobs.all_jobs()
    watched |= {job.job_id for job in found if not job.state.ended}
    watched &= {job.job_id for job in found}
    return [job for job in found if job.job_id in watched]


@st.fragment(run_every=1.0)
def _following() -> None:
    found = _watched()
    _rerun_if_one_ended(found)
    _draw(found)


def _draw(found: Sequence[Job]) -> None:
    with st.container(key="jobs-line"):
        st.html(_STYLE.format(surface=palette().surface, line=palette().line))
        for job in found:
            _row(job)


def _rerun_if_one_ended(found: Sequence[Job]) -> None:
    """The page shows what a job has changed, and without running jobs nobody asks for news."""
    before: set[str] = st.session_state.get(f"{_OPEN}-running", set())
    running = {job.job_id for job in found if not job.state.ended}
    st.session_state[f"{_OPEN}-running"] = running
    if before - running:
        st.rerun(scope="app")


def _row(job: Job) -> None:
    name, state, button = st.columns([3, 6, 1], vertical_alignment="center")
    name.markdown(f"**{plain(job.title)}**")
    with state:
        _state(job)
    if job.state.ended:
        button.button("Close", key=f"close-{job.job_id}", on_click=_close, args=(job.job_id,))
    else:
        button.button(
            "Stop",
            key=f"stop-{job.job_id}",
            on_click=_stop,
            args=(job,),
            disabled=refusal() is not None,
            help=refusal() or "Interrupt it. What it has committed stays.",
        )


def _state(job: Job) -> None:
    if job.state is State.WAITING:
        st.caption("waits for other jobs to end")
    elif job.state is State.RUNNING:
        share = min(job.done / job.total, 1.0) if job.done is not None and job.total else 0.0
        st.progress(share, text=plain(job.step) or "starting")
    elif job.state is State.DONE:
        st.markdown(job.said or "Done.")
    elif job.state is State.FAILED:
        st.markdown(f"✕ It failed: {plain(job.error or 'for an unknown reason')}")
    else:
        st.caption("stopped; what it had committed stays")


def _stop(job: Job) -> None:
    def change(_: Lake) -> Change:
        jobs.stop(job.job_id)
        return str(job.state), "stopping"

    act("jobs stop", job.title, change)


def _close(job_id: str) -> None:
    st.session_state[_OPEN].discard(job_id)
