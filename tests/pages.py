"""Pages in a real browser: Debian's chromium, headless, by its own driver; nothing is downloaded.

The browser reaches no network: every name resolves to nothing. What a page asks for all the same is in the log of
requests, which `Browser.requests` gives.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.parts import need

WIDE, NARROW = (1280, 900), (390, 844)  # a desk's screen and a telephone's, in CSS pixels


@dataclass(frozen=True, slots=True)
class Browser:
    """One running browser."""

    driver: webdriver.Chrome

    def open(self, page: Path, size: tuple[int, int] = WIDE) -> None:
        """Open a page of the disk in a window of this size; logs begin anew."""
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == NARROW}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(page.as_uri())

    def run(self, script: str) -> Any:
        """The value of a script's `return`."""
        return self.driver.execute_script(script)

    def errors(self) -> list[str]:
        """What the console says since the page was opened: errors, warnings, refusals of the page's policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The URLs that were asked for since the page was opened."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def overflow(self) -> list[str]:
        """Elements that stick out of the window, and how wide the page is when it is wider than the window."""
        found: list[str] = self.run(
            """
            const wide = document.documentElement.clientWidth, out = [];
            if (document.documentElement.scrollWidth > wide) out.push('page ' + document.documentElement.scrollWidth);
            for (const item of document.body.querySelectorAll('*')) {
                const box = item.getBoundingClientRect();
                if (getComputedStyle(item).position !== 'absolute' && !item.closest('thead') && box.right > wide + 1)
                    out.push(item.tagName + ' ' + box.right);
            }
            return out;
            """
        )
        return found

    def pdf(self) -> bytes:
        """The page as the browser prints it."""
        printed = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
        return base64.b64decode(printed["data"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in this folder. Skips, or fails in CI, where chromium is missing."""
    chromium, driver = need("chromium"), need("chromedriver")
    options = Options()
    options.binary_location = chromium
    for argument in ("headless=new", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking",
                     "host-resolver-rules=MAP * ~NOTFOUND", f"user-data-dir={folder}"):  # fmt: skip
        options.add_argument(f"--{argument}")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    try:
        running.get("about:blank")  # else what the page of a new tab asks for comes into the first page's log
        yield Browser(running)
    finally:
        running.quit()
