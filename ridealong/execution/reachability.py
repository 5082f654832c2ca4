"""Checks that the addresses in the user's Beam options can be reached.

Runners notice late that an address is dead: Beam waits a minute for a job service, and Dask raises
an error from deep inside. So each address is tried first, and a dead one is reported in one line
within `PATIENCE_S`.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ridealong.errors import RidealongError
from ridealong.execution.options import values_of

PATIENCE_S = 8.0
ADDRESSES = {
    "--job_endpoint": "a Beam job service",
    "--artifact_endpoint": "an artifact service",
    "--dask_client_address": "a Dask scheduler",
    "--flink_master": "a Flink cluster",
    "--spark_master_url": "a Spark cluster",
}


def require_reachable(beam_args: Sequence[str]) -> None:
    """Raise `RidealongError` unless every address in Beam's options answers."""
    for option, address, host, port in _endpoints(beam_args):
        problem = _tried(option, address, host, port)
        if problem:
            raise RidealongError(
                f"the runner cannot be reached: {problem}",
                where=f"{option}={address}",
                expected=ADDRESSES[option],
                hint="start it, or correct the address (docs/pipelines.md)",
            )


def _endpoints(beam_args: Sequence[str]) -> Iterator[tuple[str, str, str, int]]:
    """Addresses with a host and a port; values such as ``[auto]`` or ``embed`` have none."""
    for option, value in values_of(beam_args):
        if option not in ADDRESSES or ":" not in value:
            continue
        try:
            parts = urlsplit(value if "://" in value else f"//{value}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise RidealongError(
                f"{option}: {error}", where=value, expected="an address like host:8099"
            ) from error
        if host and port:
            yield option, value, host, port


def _tried(option: str, address: str, host: str, port: int) -> str | None:
    """What is wrong with an address; None if it answers.

    It is tried in a separate thread, because looking up a name may take very long.
    """
    results: list[str | None] = []
    thread = threading.Thread(
        target=lambda: results.append(_answer(option, address, host, port)), daemon=True
    )
    thread.start()
    thread.join(PATIENCE_S)
    return results[0] if results else f"no answer within {PATIENCE_S:g} s"


def _answer(option: str, address: str, host: str, port: int) -> str | None:
    """Connect, and wait for a greeting if the protocol has one."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S / 2) as connection:
            if option == "--dask_client_address" and address.partition("://")[0] in (
                "tcp",
                address,
            ):
                return _wait_for_dask(connection)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except UnicodeError:
        return "that is not a host name"
    return _wait_for_grpc(host, port) if option == "--job_endpoint" else None


def _wait_for_dask(connection: socket.socket) -> str | None:
    """Wait for the first byte: a Dask scheduler sends a greeting."""
    try:
        greeted = connection.recv(1)
    except TimeoutError:
        greeted = b""
    return None if greeted else "a program listens there, but it is not a Dask scheduler"


def _wait_for_grpc(host: str, port: int) -> str | None:
    import grpc

    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=PATIENCE_S / 2)
        except grpc.FutureTimeoutError:
            return "a program listens there, but it does not answer gRPC"
    return None
