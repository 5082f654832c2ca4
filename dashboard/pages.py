"""The pages of the dashboard, in the order of the navigation."""

# Folder of each page, and its title; the folder is its address.
PAGES = {
    "release": "Release",
    "compare": "Compare",
    "clips": "Clips",
    "clip": "Clip",
    "labeling": "Labeling",
    "triggers": "Triggers",
    "runs": "Runs and networks",
    "fleet": "Fleet",
    "glossary": "Glossary",
}
START = "release"
