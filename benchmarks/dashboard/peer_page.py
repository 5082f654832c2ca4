"""The peer: an empty Streamlit page with one chart, and a button that draws another."""

import altair as alt
import streamlit as st

st.set_page_config(layout="wide")
turn = st.session_state.setdefault("turn", 0)


def _turn() -> None:
    st.session_state["turn"] += 1


st.button("again", on_click=_turn)
values = [{"x": x, "y": (x * 37 + turn) % 101} for x in range(100)]
st.altair_chart(alt.Chart(alt.Data(values=values)).mark_line().encode(x="x:Q", y="y:Q"))
st.html(f"<span id=turn>{turn}</span>")
