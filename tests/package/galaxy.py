# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Galaxy server with one collection, as far as C(ansible-galaxy collection install) asks it (Galaxy's API, version 3)."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def _pages(server: str, tarball: Path) -> dict[str, bytes]:
    """What is at which path, for a tarball that is named as C(ansible-galaxy collection build) names it."""
    namespace, name, version = tarball.name[: -len(".tar.gz")].split("-", 2)
    collection = f"/api/v3/collections/{namespace}/{name}/"
    artifact = {"filename": tarball.name, "sha256": hashlib.sha256(tarball.read_bytes()).hexdigest()}
    this = {
        "version": version,
        "href": f"{collection}versions/{version}/",
        "namespace": {"name": namespace},
        "collection": {"name": name},
        "name": name,
        "download_url": f"{server}/{tarball.name}",
        "artifact": artifact,
        "metadata": {"dependencies": {}},
        "signatures": [],
    }
    pages = {
        "/api/": {"available_versions": {"v3": "v3/"}},
        collection: {"updated_at": "2026-01-01T00:00:00Z", "highest_version": {"version": version}},
        f"{collection}versions/": {"meta": {"count": 1}, "links": {"next": None}, "data": [{"version": version}]},
        f"{collection}versions/{version}/": this,
    }
    return {f"/{tarball.name}": tarball.read_bytes(), **{path: json.dumps(page).encode() for path, page in pages.items()}}


@contextmanager
def galaxy(tarball: Path) -> Iterator[str]:
    """Serve the tarball on the loopback device; gives the address of the API."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_message: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        pages.update(_pages(address, tarball))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{address}/api/"
        finally:
            server.shutdown()
            thread.join()
