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
    page.click(".panel summary")
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


def test_a_beginning_and_a_glossary_are_heeded(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0])
    page.click(".wishes summary")
    page.fill("#prefix", "Je vo")
    page.fill("#glossary", "red = ROUGISSIME\n\ncar = BOLIDE")
    page.dispatch_event("#glossary", "change")
    wished = {
        "prefix": "Je vo",
        "glossary": {"red": "ROUGISSIME", "car": "BOLIDE"},
    }
    expected = answer(visit.server, SOURCES[0], nbest=3, words=True, **wished)
    page.wait_for_function("() => location.hash.includes('ROUGISSIME')")
    assert page.inner_text(".translation") == expected["translation"]
    percent = f"Confidence {round(100 * expected['confidence'])} %"
    assert page.inner_text(".confidence").startswith(percent)
    page.select_option("#ensemble", "other")
    page.wait_for_function("() => location.hash.includes('ensemble=other')")
    first = page.evaluate("() => document.getElementById('model').value")
    assert first != "other"
    together = answer(
        visit.server,
        SOURCES[0],
        **{"nbest": 3, "words": True, "ensemble": ["other"], **wished},
    )
    assert page.inner_text(".translation") == together["translation"]
    page.fill("#glossary", "car")
    page.click("#translate")
    page.wait_for_selector("#status.error")
    assert "“term = translation” is accepted" in page.inner_text("#status")


def test_a_model_without_attention_says_so(visit: Visit) -> None:
    page = visit.open(text=SOURCES[0], model="plain")
    assert page.is_visible("text=This model has no attention")
    assert page.is_hidden(".pictures")
    assert page.inner_text(".translation")


def test_warnings_are_shown(visit: Visit) -> None:
    page = visit.open(text="I see the zorglub. " + "word " * 40)
    longer, unseen = page.locator(".warnings li").all_inner_texts()
    assert "but the longest in training had 63" in longer
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
    tab_to(page, ".panel summary")
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
    assert visit.complaints
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
    assert visit.complaints
    assert all("503" in each for each in visit.complaints)
    visit.complaints.clear()


def test_a_phone_has_no_sideways_scroll(browser: Any, server: str) -> None:
    size = {"width": 360, "height": 640}
    visit = Visit(browser, server, viewport=size, has_touch=True)
    page = visit.open(text=LONG, tokens="pieces", compare="plain")
    page.locator(".panel summary").first.tap()
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


# Words of one script, of two, and of none.
LINES = {
    "ar": ["قال", "Google", "دفعت", "3.5", "(", "نقدًا", ")", "</s>"],
    "en": ["The", "girl", "said", "שלום", "twice", ".", "</s>"],
    "fa": ["می‌خواهم", "کتاب‌ها", "۱۲٪", ".", "</s>"],
    "he": ["הילדה", "NATO-ב", "ב-NATO", "ש" * 30, "(", ")", "</s>"],
    "ur": ["NATO", "میں", "لڑکا", "ہے", "</s>"],
}
LEFTWARD = {"ar", "fa", "he", "ur"}


def made_up(source: list[str], target: list[str]) -> dict[str, Any]:
    """An answer in which each word looks at one word, and the end at two."""
    weights = [[0.0] * len(source) for _ in target]
    for row, shares in enumerate(weights):
        shares[row % len(source)] = 1.0
    weights[-1][:2] = 0.4, 0.6
    weights[-1][2:] = [0.0] * (len(source) - 2)
    hypothesis = {
        "translation": " ".join(target[:-1]),
        "score": -0.5,
        "confidence": 0.75,
        "token_confidences": [0.25] * len(target),
        "target_tokens": target,
        "attention": weights,
    }
    other = {**hypothesis, "translation": "(“שלום”) NATO"}
    return {
        "source": " ".join(source[:-1]),
        "source_tokens": source,
        "warnings": ["There are words never seen: שלום, NATO, עולם."],
        "nbest": [hypothesis, other],
        **hypothesis,
    }


def show(visit: Visit, source: str, target: str) -> Any:
    """The page with a made-up answer for two of `LINES`."""
    made = made_up(LINES[source], LINES[target])
    visit.page.route("**/translate", lambda route: route.fulfill(json=made))
    return visit.open(text=made["source"])


def boxes(page: Any, selector: str) -> list[dict[str, float]]:
    """Where elements are, in the order of the sentence."""
    return page.locator(selector).evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect().toJSON())"
    )


def goes_leftward(found: list[dict[str, float]]) -> bool:
    """Whether each stands beyond the one before, and to which side."""
    middles = [(box["left"] + box["right"]) / 2 for box in found]
    assert middles in (sorted(middles), sorted(middles, reverse=True))
    return middles[0] > middles[-1]


BOTH_WAYS = [("ar", "en"), ("en", "he"), ("he", "fa"), ("ur", "ar")]


@pytest.mark.parametrize(("source", "target"), BOTH_WAYS)
def test_each_sentence_runs_its_own_way(
    visit: Visit, source: str, target: str
) -> None:
    page = show(visit, source, target)
    for side, language in (("source", source), ("target", target)):
        line = boxes(page, f'{RIBBONS} [data-side="{side}"]')
        assert goes_leftward(line) == (language in LEFTWARD)
        for picture in (RIBBONS, HEAT_MAP):
            selector = f'{picture} [data-side="{side}"]'
            paper = boxes(page, picture)[0]
            frames = boxes(page, f"{selector} .tint")
            letters = boxes(page, f"{selector} text")
            for frame, text in zip(frames, letters, strict=True):
                # Anchored right: the letters are in the middle of the frame.
                assert text["left"] - frame["left"] == pytest.approx(
                    frame["right"] - text["right"], abs=2
                )
                assert paper["left"] <= text["left"]
                assert text["right"] <= paper["right"]
    columns = boxes(page, f'{HEAT_MAP} [data-side="source"] text')
    rightward = [box["left"] for box in columns]
    leftward = [box["right"] for box in columns]
    starts = leftward if source in LEFTWARD else rightward
    assert starts == sorted(starts, reverse=source in LEFTWARD)
    cells = boxes(page, f"{HEAT_MAP} .mark")[: len(columns)]
    assert goes_leftward(cells) == (source in LEFTWARD)
    for cell, start in zip(cells, starts, strict=True):
        assert cell["left"] < start < cell["right"]
    page.click(".panel summary")
    heads = boxes(page, "thead th")
    assert goes_leftward(heads) == (source in LEFTWARD)


@pytest.mark.parametrize(("source", "target"), BOTH_WAYS[:3])
def test_arrows_go_the_way_words_are_drawn(
    visit: Visit, source: str, target: str
) -> None:
    page = show(visit, source, target)
    middle = (
        "() => { const { left, right } = document.activeElement"
        ".getBoundingClientRect(); return (left + right) / 2; }"
    )
    for picture, side in (
        (RIBBONS, "source"),
        (RIBBONS, "target"),
        (HEAT_MAP, "source"),
    ):
        page.locator(f'{picture} [data-side="{side}"]').nth(2).focus()
        for key, right in (("ArrowRight", True), ("ArrowLeft", False)):
            before = page.evaluate(middle)
            page.keyboard.press(key)
            assert (page.evaluate(middle) > before) == right
        assert focused(page)["index"] == "2"  # there and back
        page.keyboard.press("Home")
        assert focused(page)["index"] == "0"
    page.locator(f'{RIBBONS} [data-side="source"]').first.focus()
    at = page.evaluate(middle)
    page.keyboard.press("ArrowDown")
    below = boxes(page, f'{RIBBONS} [data-side="target"]')
    away = [abs((box["left"] + box["right"]) / 2 - at) for box in below]
    assert abs(page.evaluate(middle) - at) == pytest.approx(min(away))


def test_ribbons_of_one_word_do_not_cross(visit: Visit) -> None:
    """They leave it in the order in which they arrive."""
    page = show(visit, "ar", "en")
    last = len(LINES["en"]) - 1
    found = page.locator(f'{RIBBONS} .mark[data-target="{last}"]')
    paths = [each.get_attribute("d") for each in found.all()]
    # M top C … bottom H …: where each starts, above and below.
    ends = [
        (float(path[1:].split()[0]), float(path.split("H")[0].split()[-2]))
        for path in paths
    ]
    assert len(ends) == 2
    assert (ends[0][0] < ends[1][0]) == (ends[0][1] < ends[1][1])


def test_words_and_sentences_have_a_direction(visit: Visit) -> None:
    page = show(visit, "en", "he")
    labels = page.locator(f'{HEAT_MAP} [data-side="target"] text')
    said = [each.get_attribute("direction") for each in labels.all()]
    assert said == ["rtl", "rtl", "rtl", "rtl", "rtl", "rtl", "ltr"]
    assert labels.nth(3).text_content() == "ש" * 23 + "…"
    labels = page.locator(f'{RIBBONS} [data-side="source"] text')
    said = [each.get_attribute("direction") for each in labels.all()]
    assert said == ["ltr", "ltr", "ltr", "rtl", "ltr", "ltr", "ltr"]
    assert page.get_attribute(".translation", "dir") == "rtl"
    assert page.get_attribute(".source", "dir") == "ltr"
    assert page.get_attribute("#text", "dir") == "auto"
    spans = page.locator(".alternatives span:not(.score)").all()
    assert [each.get_attribute("dir") for each in spans] == ["rtl", "ltr"]
    heads = page.locator("tbody th").all()
    said = [each.get_attribute("dir") for each in heads]
    assert said == ["rtl", "rtl", "rtl", "rtl", "rtl", "rtl", "ltr"]


def test_words_in_a_sentence_of_ours_do_not_change_its_order(
    visit: Visit,
) -> None:
    page = show(visit, "he", "fa")
    page.locator(f'{RIBBONS} [data-side="target"]').last.focus()
    said = "“</s>” looked at “⁨NATO-ב⁩” 60 %, “⁨הילדה⁩” 40 %"
    assert page.inner_text(".reading") == said
    page.locator(f'{RIBBONS} [data-side="source"]').nth(2).focus()
    seen = "“⁨ב-NATO⁩” was looked at by “⁨۱۲٪⁩” 100 %"
    assert page.inner_text(".reading") == seen
    assert page.inner_text(".warnings li") == (
        "There are words never seen: ⁨שלום⁩, NATO, ⁨עולם⁩."
    )
    page.goto(f"{visit.server}/#model=שלום&text=a")
    page.wait_for_selector("#status.error")
    said = "There is no model “⁨שלום⁩” here."
    assert page.inner_text("#status") == said


def test_a_file_keeps_the_direction_of_words(
    visit: Visit, tmp_path: Path
) -> None:
    page = show(visit, "ar", "en")
    button = '[aria-label="Download the heat map as SVG"]'
    root = ElementTree.parse(saved(page, button, tmp_path)).getroot()
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    found = {each.text: each.get("direction") for each in texts}
    assert (found["قال"], found["("], found["Google"]) == ("rtl", "rtl", "ltr")
