"""The page Glossary: what each term means."""
