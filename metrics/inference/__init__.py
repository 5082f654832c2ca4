"""How sure we are: intervals and tests that know drives are the unit of independence."""
