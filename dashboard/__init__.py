"""How people see it: the Streamlit app, its queries, charts and the clip player."""
