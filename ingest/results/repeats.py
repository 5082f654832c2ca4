"""Rows of a file that repeat an earlier one."""

import numpy as np

from ridealong.arrays import Bools, Floats, Ints

MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, as in Fibonacci hashing


def repeated(*columns: Floats | Ints) -> Bools:
    """Which of N rows are equal to an earlier one in all columns, ``(N,)`` each; NaN equals none.

    Rows with the same hash are neighbours after sorting, and are then compared.
    """
    hashed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        hashed = (hashed ^ np.ascontiguousarray(column).view(np.uint64)) * MIX
        hashed ^= hashed >> np.uint64(29)
    order = np.argsort(hashed, kind="stable")
    at = np.flatnonzero(hashed[order[1:]] == hashed[order[:-1]]) + 1
    for column in columns:
        at = at[column[order[at]] == column[order[at - 1]]]
    again = np.zeros(len(order), np.bool_)
    again[order[at]] = True
    return again
