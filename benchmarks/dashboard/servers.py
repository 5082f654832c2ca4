"""Servers in processes of their own: the dashboard, and a page of bare Streamlit."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEER = Path(__file__).with_name("peer_page.py")


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    pid: int

    def memory_gb(self) -> float:
        """Its highest resident memory so far."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024 / 1e9


@contextmanager
def dashboard(home: Path) -> Iterator[Server]:
    """Our dashboard on a home."""
    words = ["ridealong", "--home", str(home), "dashboard", "--port", "0", "--json"]
    process = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield Server(str(json.loads(process.stdout.readline())["url"]), process.pid)
    finally:
        _end(process)


@contextmanager
def peer() -> Iterator[Server]:
    """Bare Streamlit with one chart."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true"]
    options += ["--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    words = ["streamlit", "run", str(PEER), *options, "--server.fileWatcherType", "none"]
    process = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield Server(url, process.pid)
    finally:
        _end(process)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)
