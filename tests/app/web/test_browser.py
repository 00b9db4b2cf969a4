"""The page in a real browser, which reaches nothing but the server."""

import json
import shutil
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest

from tests.app.conftest import SOURCES

sync_api = pytest.importorskip("playwright.sync_api")

NAMES = ("chromium", "chromium-browser", "google-chrome")
LONG = " ".join(SOURCES[:4])
RIBBONS = '[data-picture="ribbons"] svg'
HEAT_MAP = '[data-picture="heat-map"] svg'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs a browser: one of {', '.join(NAMES)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Visit:
    """A page in a context of its own, and all that it asked for and said."""

    def __init__(self, browser: Any, server: str, **options: Any) -> None:
        self.server = server
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda each: self.requests.append(each.url))
        self.page.on(
            "pageerror", lambda each: self.complaints.append(str(each))
        )
        self.page.on("console", self._listen)

    def _hear(self, error: Any) -> None:
        self.complaints.append(str(error))

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, **fields: Any) -> Any:
        """The page of a link with these fields, its answer awaited."""
        link = f"#{urlencode(fields, quote_via=quote)}" if fields else ""
        self.page.goto(self.server + "/" + link)
        if "text" in fields:
            self.page.wait_for_selector(".panel")
        return self.page

    def close(self) -> None:
        """Nothing came from elsewhere, broke a policy, or was kept."""
        home = (f"{self.server}/", f"blob:{self.server}/")
        strangers = [u for u in self.requests if not u.startswith(home)]
        kept = self.page.evaluate("localStorage.length + sessionStorage.length")
        cookies = self.context.cookies()
        self.context.close()
        assert self.requests
        assert strangers == []
        assert self.complaints == []
        assert (kept, cookies) == (0, [])


@pytest.fixture
def visit(browser: Any, server: str) -> Iterator[Visit]:
    visit = Visit(browser, server)
    yield visit
    visit.close()


def answer(server: str, text: str, **options: Any) -> Any:
    """What the page is to show."""
    body = json.dumps({"text": text, **options}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{server}/translate", body, headers)) as response:
        return json.load(response)


def words(page: Any, picture: str, side: str) -> list[str]:
    found = page.locator(f'{picture} [data-side="{side}"] text')
    return found.all_text_contents()


def test_a_sentence_is_typed_and_translated(visit: Visit) -> None:
    page = visit.open()
    page.fill("#text", SOURCES[0])
    page.click("#translate")
    expected = answer(visit.server, SOURCES[0], nbest=3, words=True)
    page.wait_for_selector(".panel")
    assert page.inner_text(".translation") == expected["translation"]
    for picture in (RIBBONS, HEAT_MAP):
        for side in ("source", "target"):
            assert words(page, picture, side) == expected[f"{side}_tokens"]
    cells = page.locator(f"{HEAT_MAP} .mark")
    opacities = [
        float(each.get_attribute("fill-opacity")) for each in cells.all()
    ]
    weights = [weight for row in expected["attention"] for weight in row]
    assert opacities == pytest.approx(weights, abs=1e-4)
    live = page.locator("#announcement[aria-live=polite]")
    assert expected["translation"] in live.text_content()


def test_a_word_shows_what_it_looked_at_in_both_pictures(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0])
    expected = answer(visit.server, SOURCES[0], words=True)
    row = expected["attention"][1]
    most = row.index(max(row))
    said = (
        f"“{expected['target_tokens'][1]}” looked at "
        f"“{expected['source_tokens'][most]}” {round(100 * row[most])} %"
    )
    target = page.locator(f'{HEAT_MAP} [data-side="target"]').nth(1)
    assert target.get_attribute("aria-label").startswith(said)
    target.hover()
    assert page.inner_text(".reading").startswith(said)
    lit = page.locator(f"{RIBBONS} .mark.lit")
    assert lit.count() == sum(weight >= 0.01 for weight in row)
    assert page.locator(f"{RIBBONS} .mark:not(.lit)").count() > 0
    tint = page.locator(f'{RIBBONS} [data-side="source"] .tint').nth(most)
    assert float(tint.get_attribute("fill-opacity")) > 0
    page.hover("h1")
    assert page.locator(".mark.lit").count() == 0
    page.locator(f'{RIBBONS} [data-side="source"]').nth(most).hover()
    assert "was looked at by" in page.inner_text(".reading")
    page.locator(f"{HEAT_MAP} .mark").nth(len(row) + most).hover()
    assert page.inner_text(".reading") == said
    assert page.locator(f"{HEAT_MAP} .mark.lit").count() == 1


def test_a_click_keeps_a_word(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0])
    target = page.locator(f'{RIBBONS} [data-side="target"]').first
    target.click()
    page.hover("h1")
    assert page.locator(".mark.lit").count() > 0
    assert page.locator('[aria-pressed="true"]').count() == 2  # both pictures
    target.click()
    page.hover("h1")
    assert page.locator('[aria-pressed="true"]').count() == 0
    target.blur()
    assert page.locator(".mark.lit").count() == 0


def test_options_apply_at_once(visit: Visit) -> None:
    page = visit.open(text=SOURCES[1])
    page.check('input[value="pieces"]')
    first = answer(visit.server, SOURCES[1], nbest=3)["source_tokens"]
    page.wait_for_function(
        "() => document.querySelector('.word text').textContent.startsWith('▁')"
    )
    assert words(page, RIBBONS, "source") == first
    page.select_option("#model", "other")
    page.wait_for_selector('.panel h2:text-is("other")')
    page.fill("#beam", "2")
    page.press("#beam", "Tab")
    page.wait_for_function(
        "() => document.querySelectorAll('.alternatives input').length === 2"
    )
    assert page.input_value("#nbest") == "2"
    expected = answer(visit.server, SOURCES[1], model="other", beam=2, nbest=2)
    assert page.inner_text(".translation") == expected["translation"]
    second = expected["nbest"][1]
    page.locator(".alternatives input").nth(1).check()
    assert page.inner_text(".translation") == second["translation"]
    assert words(page, HEAT_MAP, "target") == second["target_tokens"]
    page.click("summary")
    heads = page.locator("tbody th").all_inner_texts()
    assert heads == second["target_tokens"]
    shown = page.locator("tbody tr").first.locator("td").all_inner_texts()
    weights = second["attention"][0]
    assert shown == [f"{int(100 * weight + 0.5)} %" for weight in weights]


def test_two_models_side_by_side(visit: Visit) -> None:
    page = visit.open(text=SOURCES[2])
    page.select_option("#compare", "other")
    page.wait_for_selector(".pairs")
    assert page.locator(".panel h2").all_inner_texts() == ["tiny", "other"]
    assert page.locator(".translation").all_inner_texts() == [
        answer(visit.server, SOURCES[2], model=model)["translation"]
        for model in ("tiny", "other")
    ]
    left, right = (
        panel.bounding_box() for panel in page.locator(".panel").all()
    )
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]


def test_a_model_without_attention_says_so(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0], model="plain")
    assert page.is_visible("text=This model has no attention")
    assert page.is_hidden(".pictures")
    assert page.inner_text(".translation")


def test_warnings_are_shown(visit: Visit) -> None:
    page = visit.open(text="I see the zorglub. " + "word " * 40)
    longer, unseen = page.locator(".warnings li").all_inner_texts()
    assert "where the longest of training had 63" in longer
    assert "never seen in training: zorglub" in unseen


def test_each_line_is_translated_by_itself(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#translate:enabled")
    page.type("#text", SOURCES[0])
    page.press("#text", "Shift+Enter")
    page.type("#text", SOURCES[1])
    page.press("#text", "Enter")
    page.wait_for_selector(".panel")
    assert page.locator(".panel .source").all_inner_texts() == SOURCES[:2]
    assert page.locator(".translation").all_inner_texts() == [
        answer(visit.server, text)["translation"] for text in SOURCES[:2]
    ]


def saved(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_files_are_whole(visit: Visit, tmp_path: Path) -> None:
    page = visit.open(text=SOURCES[0])
    path = saved(page, ".json", tmp_path)
    assert path.name == "glimpse-tiny.json"
    assert json.loads(path.read_text("utf-8")) == answer(
        visit.server, SOURCES[0], nbest=3, words=True
    )
    for picture in ("ribbons", "heat-map"):
        name = picture.replace("-", " ")
        button = f'[aria-label="Download the {name} as %s"]'
        path = saved(page, button % "SVG", tmp_path)
        assert path.name == f"glimpse-tiny-{picture}.svg"
        width, height = check_svg(path, SOURCES[0])
        content = saved(page, button % "PNG", tmp_path).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        size = struct.unpack(">II", content[16:24])
        assert size == pytest.approx((2 * width, 2 * height), abs=1)
        assert content.endswith(b"IEND\xaeB`\x82")
        assert len(content) > 4000


def check_svg(path: Path, sentence: str) -> tuple[float, float]:
    """It stands alone: its size, its words, colours of its own."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = "".join(root.itertext())
    assert sentence.split()[1] in text
    fills = {element.get("fill", "none") for element in root.iter()} - {"none"}
    assert all(fill.startswith("rgb(") for fill in fills)
    assert len(fills) >= 4  # paper, ink, accent and what is faint
    assert not any(element.get("class") for element in root.iter())
    return float(root.get("width", 0)), float(root.get("height", 0))


def test_markup_stays_text(visit: Visit) -> None:
    text = '<script>window.harm=1</script><img src=x onerror="harm=1">'
    page = visit.open(text=text, tokens="pieces", model="other", compare="tiny")
    assert page.input_value("#text") == text
    assert page.locator(".source").first.text_content() == text
    assert page.locator("main script, main img").count() == 0
    assert page.evaluate("window.harm === undefined")


def focused(page: Any) -> dict[str, str]:
    """Of the element with the focus: its id, or side and index."""
    return page.evaluate(
        "() => ({id: document.activeElement.id, "
        "...document.activeElement.dataset})"
    )


def tab_to(page: Any, wanted: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches('{wanted}')"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def test_a_keyboard_is_enough(visit: Visit) -> None:
    page = visit.open()
    page.wait_for_selector("#translate:enabled")
    keys = page.keyboard
    tab_to(page, "#text")
    keys.type(SOURCES[0])
    keys.press("Enter")
    page.wait_for_selector(".panel")
    tab_to(page, f"{RIBBONS} .word")
    assert focused(page) == {"id": "", "side": "target", "index": "0"}
    keys.press("ArrowRight")
    assert focused(page)["index"] == "1"
    outline = "getComputedStyle(document.activeElement.firstChild).strokeWidth"
    assert page.evaluate(outline) == "2px"  # it is seen
    said = page.inner_text(".reading")
    assert said == page.evaluate("document.activeElement.ariaLabel")
    keys.press("Enter")
    keys.press("ArrowUp")
    assert focused(page)["side"] == "source"
    keys.press("End")
    assert page.evaluate("document.activeElement.textContent") == "</s>"
    tab_to(page, f"{HEAT_MAP} .word")
    keys.press("ArrowDown")
    keys.press("ArrowRight")
    assert focused(page)["side"] == "source"
    tab_to(page, "summary")
    assert page.inner_text(".reading") == said  # kept by Enter
    keys.press("Enter")
    assert page.is_visible("table")
    page.locator(f'{RIBBONS} [tabindex="0"]').focus()
    keys.press("Escape")
    assert page.locator('[aria-pressed="true"]').count() == 0


def test_a_link_brings_everything_back(visit: Visit) -> None:
    page = visit.open()
    page.fill("#text", "50 % & “#1” + é?")
    page.select_option("#model", "other")
    page.select_option("#compare", "plain")
    page.fill("#nbest", "2")
    page.check('input[value="pieces"]')
    page.wait_for_selector(".pairs")
    page.wait_for_function(
        "() => location.hash.includes('pieces')"
        " && document.querySelectorAll('.alternatives input').length === 4"
    )
    shown = page.inner_text("#results")
    link = page.url
    fields = (
        "() => [...document.getElementById('form').elements]"
        ".map((each) => each.checked ?? each.value)"
    )
    form = page.evaluate(fields)
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".pairs")
    assert page.inner_text("#results") == shown
    assert page.evaluate(fields) == form
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_selector("text=The link is copied")
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_a_link_to_a_model_that_is_not_here_says_so(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0])
    page.goto(f"{visit.server}/#model=gone&text=a")
    page.wait_for_selector("#status.error")
    assert page.inner_text("#status") == "There is no model “gone” here."
    assert page.input_value("#text") == "a"


def test_what_the_server_refuses_is_said(visit: Visit) -> None:
    page = visit.open()
    page.fill("#text", "a" * 6000)
    page.click("#translate")
    page.wait_for_selector("#status.error")
    assert "6000 characters; at most 5000" in page.inner_text("#status")
    assert page.get_attribute("#status", "role") == "status"
    # The browser itself reports the refusal.
    assert all("422" in each for each in visit.complaints)
    visit.complaints.clear()


def test_a_busy_server_is_asked_again(visit: Visit) -> None:
    page = visit.open()
    asked = []

    def refuse_once(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, headers={"Retry-After": "0"}, body="{}")
        else:
            route.continue_()

    page.route("**/translate", refuse_once)
    page.fill("#text", SOURCES[0])
    page.click("#translate")
    page.wait_for_selector(".panel")
    assert len(asked) == 2
    assert all("503" in each for each in visit.complaints)
    visit.complaints.clear()


def test_a_phone_has_no_sideways_scroll(browser: Any, server: str) -> None:
    size = {"width": 360, "height": 640}
    visit = Visit(browser, server, viewport=size, has_touch=True)
    page = visit.open(text=LONG, tokens="pieces", compare="plain")
    page.locator("summary").first.tap()
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 360
    box = page.locator('[data-picture="ribbons"] .scroll').first
    assert box.evaluate("each => each.scrollWidth > each.clientWidth")
    page.locator(f"{RIBBONS} .word").first.tap()
    assert page.locator(".mark.lit").count() > 0
    page.goto(f"{server}/api")
    assert page.evaluate(width) <= 360
    visit.close()


def test_dark_mode_changes_the_colours(browser: Any, server: str) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, server, color_scheme=scheme)
        page = visit.open(text=SOURCES[0])
        shades[scheme] = [
            page.evaluate(
                "([selector, name]) => Math.max(...getComputedStyle("
                "document.querySelector(selector))[name].match(/\\d+/g))",
                arguments,
            )
            for arguments in (
                ["body", "backgroundColor"],
                ["body", "color"],
                [f"{RIBBONS} .word text", "fill"],
            )
        ]
        visit.close()
    paper, ink, words = shades["light"]
    assert paper > 200 > ink
    assert ink == words
    paper, ink, words = shades["dark"]
    assert paper < 60 < ink
    assert ink == words
