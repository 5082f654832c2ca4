"""The page Release: may we ship, what broke, where."""
