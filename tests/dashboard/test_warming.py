"""What the server loads while nobody waits."""

import subprocess
import sys
from pathlib import Path

from dashboard.warming import Warming

PROBE = """
import sys
from pathlib import Path
from dashboard.warming import Warming

warming = Warming(Path(sys.argv[1]))
warming.start()
warming._thread.join()
warming.close()
print(*sorted({"altair", "duckdb", "pint", "scipy"} & sys.modules.keys()))
print("dashboard.compare.queries" in sys.modules, "dashboard.compare.page" in sys.modules)
"""


def test_it_loads_what_pages_need_and_runs_no_page(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROBE, str(tmp_path / "no home")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["altair duckdb pint scipy", "True False"]


def test_one_that_was_never_started_ends(tmp_path: Path) -> None:
    Warming(tmp_path).close()
