"""The server's own routes: signed, short-lived links to what pages show beside Streamlit."""
