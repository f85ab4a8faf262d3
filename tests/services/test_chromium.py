"""The tests' browser renders a page from the loopback and runs its script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PAGE = b"""<!doctype html><html lang="en"><title>Loopback</title>
<p id="p">plain</p><script>document.getElementById("p").textContent = "scripted"</script>"""


class _OnePage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _OnePage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_page_of_the_loopback_is_rendered_and_its_script_runs(
    chromium: Browser, address: str
) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(address)
        assert page.title() == "Loopback"
        assert page.inner_text("#p") == "scripted"
        assert page.screenshot()[:4] == b"\x89PNG"


def test_two_contexts_share_no_cookies(chromium: Browser, address: str) -> None:
    with chromium.new_context() as one, chromium.new_context() as other:
        one.add_cookies([{"name": "session", "value": "1", "url": address}])
        assert one.cookies() and not other.cookies()
