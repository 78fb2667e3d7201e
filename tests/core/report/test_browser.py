"""A real browser opens the report from a file, offline and without a complaint."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmx.report import RunReport, StudyReport, render_run, render_study

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("MMX_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on the PATH; MMX_CHROMIUM may name one")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.mark.parametrize(("width", "classes"), [(900, 20), (1400, 2)])
def test_it_opens_without_console_error_network_request_or_overflow(
    browser: Any, full_report: Callable[..., RunReport], tmp_path: Path, width: int, classes: int
) -> None:
    report = full_report(tuple(f"a class called {number}" for number in range(classes)))
    file = tmp_path / "report.html"
    file.write_text(render_run(report), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), wait_until="load")
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.locator("figure > svg").count() == 3
    boxes = page.locator("figure > svg").evaluate_all("all => all.map(one => one.clientHeight)")
    assert min(boxes) > 150
    page.close()


@pytest.mark.parametrize("width", [900, 1400])
def test_a_study_opens_without_console_error_network_request_or_overflow(
    browser: Any, full_study: Callable[..., StudyReport], tmp_path: Path, width: int
) -> None:
    file = tmp_path / "study.html"
    file.write_text(render_study(full_study()), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), wait_until="load")
    assert said == []
    assert asked == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("figure > svg").count() == 4
    boxes = page.locator("figure > svg").evaluate_all("all => all.map(one => one.clientHeight)")
    assert min(boxes) > 100
    page.close()


def test_scripts_of_a_section_do_not_run(
    browser: Any, full_report: Callable[..., RunReport], tmp_path: Path
) -> None:
    html = "<p>section</p><script>document.title = 'changed'</script><img src='http://a.invalid/'>"
    file = tmp_path / "report.html"
    file.write_text(render_run(full_report(sections=[("More", html)])), encoding="utf-8")
    page = browser.new_page()
    sent: list[str] = []
    page.on("requestfinished", lambda request: sent.append(request.url))
    page.goto(file.as_uri(), wait_until="load")
    assert page.title() == "quickstart · mmx run"
    assert [url for url in sent if url.startswith("http")] == []
    page.close()
