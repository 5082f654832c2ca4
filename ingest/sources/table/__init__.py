"""``--source table``: CSV and Parquet with names of their own, read with a mapping file."""
