"""Reports of one run as files for CI: JUnit, Markdown and HTML. They need no extra."""
