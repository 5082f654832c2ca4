"""How numba compiles the functions of the ray caster, and when it compiles them anew.

Every function runs in one thread and without the interpreter's lock. Only the entry points in
`compiled` are kept on disk; the functions that they call are compiled into them.
"""

import hashlib
from pathlib import Path

import numba

# No step makes a NaN or an infinity, so the compiler need not check for them.
_FAST = {"contract", "arcp", "nsz", "nnan", "ninf"}

kernel = numba.njit(nogil=True, error_model="numpy", fastmath=_FAST)
# A call passes each field of each array and counts its references: too slow for a few pixels.
inlined = numba.njit(nogil=True, error_model="numpy", fastmath=_FAST, forceinline=True)
# The ground is painted once for many pictures, with IEEE arithmetic.
exact = numba.njit(nogil=True, error_model="numpy")
exact_inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
entry_point = numba.njit(cache=True, nogil=True, error_model="numpy")

_CAMERAS = Path(__file__).parents[1]
_CONSTANTS = ("ground.py", "lamps.py", "solids.py", "views.py")


def sources_hash() -> str:
    """Hash the modules that make up the kernels, and those whose constants they contain."""
    modules = [*sorted(Path(__file__).parent.glob("*.py")), *(_CAMERAS / m for m in _CONSTANTS)]
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()
