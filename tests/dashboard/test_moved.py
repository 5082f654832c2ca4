"""Old addresses lead to the pages of today."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.routes.moved import Moved


def page(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.path} {request.url.query}")


CLIENT = TestClient(Moved(Starlette(routes=[Route("/{rest:path}", page)])))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/regressions", "/compare "),
        ("/regressions/?run=a%2Fb&slice=light%3Dday", "/compare run=a%2Fb&slice=light%3Dday"),
        ("/?clip=a%3Cb%3E&run=1", "/clip clip=a%3Cb%3E&run=1"),
        ("/?run=1", "/ run=1"),
        ("/?x=clip", "/ x=clip"),
        ("/compare?clip=1", "/compare clip=1"),
        ("//evil.example/regressions", "//evil.example/regressions "),
        ("/regressionsx", "/regressionsx "),
    ],
)
def test_an_address(old: str, new: str) -> None:
    assert CLIENT.get(f"http://testserver{old}").text == new
