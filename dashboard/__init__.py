"""The dashboard: the Streamlit app, its queries, charts and the clip player."""
