"""Signed, short-lived links to what our own routes serve.

Our routes have no Streamlit session, so each link is signed: it has a hash over the clip and the
expiry, with a secret key that the server makes when it starts.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request

PREFIX = "/api/clips"
LINK_SECONDS = 3600
STEP_SECONDS = 900  # links made in one step are equal, so that the browser can keep what they gave


@dataclass(frozen=True)
class ClipLinks:
    """Links to everything about one clip.

    Attributes:
        base: The path below which everything is.
        query: What every link ends with: its expiry and the proof.
    """

    base: str
    query: str

    def url(self, path: str, **parameters: object) -> str:
        """A link to one thing; parameters that are None are left out.

        Args:
            path: Its path below `base`, as in ``thumb.jpg`` or ``main.mp4``.
            parameters: What the route takes.
        """
        given = {key: value for key, value in parameters.items() if value is not None}
        query = "&".join(part for part in (urlencode(given), self.query) if part)
        return f"{self.base}/{quote(path)}?{query}"


@dataclass(frozen=True)
class Links:
    """Makes and checks links.

    Attributes:
        key: This server's secret.
    """

    key: bytes

    def clip(self, clip_id: str, now_s: float | None = None) -> ClipLinks:
        """Links to one clip, valid for an hour or a little more."""
        now = time.time() if now_s is None else now_s
        ends = str(int(now // STEP_SECONDS + 1) * STEP_SECONDS + LINK_SECONDS)
        query = f"ends={ends}&proof={self._proof(clip_id, ends)}"
        return ClipLinks(f"{PREFIX}/{quote(clip_id, safe='')}", query)

    def hold(self, clip_id: str, request: Request) -> bool:
        """Whether the request has the query of exactly one of our links, which has not expired."""
        ends, proof = (request.query_params.getlist(name) for name in ("ends", "proof"))
        return len(ends) == 1 and len(proof) == 1 and self.proves(clip_id, ends[0], proof[0])

    def proves(self, clip_id: str, ends: str, proof: str) -> bool:
        """Whether the proof is ours and has not expired."""
        right = self._proof(clip_id, ends).encode()
        if not hmac.compare_digest(right, proof.encode("utf-8", "replace")):
            return False
        return time.time() <= int(ends)

    def _proof(self, clip_id: str, ends: str) -> str:
        message = json.dumps([clip_id, ends]).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()
