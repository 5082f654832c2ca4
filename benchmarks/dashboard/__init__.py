"""How quickly the dashboard's pages show their first figure on a large home, and for many users."""
