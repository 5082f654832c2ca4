"""Reports of one run as files for a CI: JUnit, Markdown and HTML. They need no extra."""
