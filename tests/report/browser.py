"""A browser driven over its debugging pipe: real pointer events, real media, and everything that it complains about."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run "
    "--hide-scrollbars --host-resolver-rules='MAP * ~NOTFOUND' --remote-debugging-pipe"
)


class Browser:
    """One tab; ``close`` it."""

    def __init__(self, folder: Path) -> None:
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()
        profile = shlex.quote(f"--user-data-dir={folder / 'profile'}")
        command = f"exec {CHROMIUM} {FLAGS} {profile} about:blank 3<&{theirs} 4>&{answers}"
        self._process = subprocess.Popen(["bash", "-c", command], pass_fds=(theirs, answers), stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(answers)
        self._unread, self._last, self._session = b"", 0, ""
        self._events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the Chrome DevTools Protocol and its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._events.append(answer)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser has gone"
            self._unread += chunk
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, holds: Callable[[Any], bool] = bool) -> Any:
        """The value of the expression as soon as it holds; the last one after 20 seconds."""
        for _ in range(200):
            value = self.run(expression)
            if holds(value):
                break
            time.sleep(0.1)
        return value

    def show(self, page: Path, width: int, *, dark: bool = False) -> None:
        """Open a page in a window of this width."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.send("Page.navigate", url=page.as_uri())
        self.until("document.readyState + location.protocol", lambda state: state == "completefile:")

    def point_at(self, x: float, y: float) -> None:
        """Move the pointer there, in two steps, as a hand would."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x - 3, y=y - 3)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def shot(self, path: Path) -> None:
        """A picture of what is in the window, for whoever wants to look."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the console, uncaught exceptions and broken policies since the page was opened."""
        self.run("0")
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"])[:500] for event in self._events if event.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        """What was asked for since the page was opened, whether or not it came."""
        sent = [event for event in self._events if event.get("method") == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in sent]

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.send("Browser.close")
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)
