"""The page in a real Chromium: it opens without an error or a request, and every control does what it says."""

import io
import math
import os
import re
import shutil
from dataclasses import replace

import pytest
from matplotlib import image
from playwright.sync_api import expect, sync_playwright
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.report import page as report_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run")  # fmt: skip
HOSTILE = "</script><img src=x onerror=alert(1)>"

HE = [Trial("he", seed, (2.2, 1.0, 0.4, 0.3 + 0.1 * seed), (0.2, 0.6, 0.8, 0.9), activations=[(1, 1, 1), (4, 2, 1)],
            gradients=[(1, 0.9, 1), (0.5, 1, 1)]) for seed in range(3)]  # fmt: skip
XAVIER = [Trial("xavier", seed, (2.3, 2.0, 1.0, 0.45), (0.1, 0.3, 0.6, 0.8), activations=[(1, 0.5, 0.0), (1, 0.5, 0.2)],
                gradients=[(0.01, 0.1, 1), (0.1, 0.2, 1)]) for seed in range(3)]  # fmt: skip
NORMAL = [Trial("normal[std=1.0]", seed, (90.0, math.inf), status="diverged", planned=40) for seed in range(3)]
MIXED = results(*HE, *XAVIER, *NORMAL)
SWEEP = results(
    *(Trial(name, seed, (2.2, 1.0, final + 0.1 * seed), at={"network.depth": depth, "optimizer.lr": lr})
      for name, final in (("he", 0.3), ("xavier", 0.6)) for depth in (4, 30) for lr in (0.001, 0.1)
      for seed in range(2)),
    axes=("init", "network.depth", "optimizer.lr"),
)  # fmt: skip


def executable(environment):
    """The system's Chromium. Without one these tests are skipped, saying so; under CI they fail."""
    found = next((path for name in BROWSERS if (path := shutil.which(name, path=environment.get("PATH")))), None)
    if found is None:
        reason = "there is no Chromium here to test the page in (Debian: apt-get install chromium)"
        if environment.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def chromium():
    path = executable(os.environ)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens a page of some results; at the end there must have been no error, and no request but for the file."""
    complaints, contexts = [], []

    def watch(page):
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: request.url == address or complaints.append(f"request: {request.url}"))

    file = tmp_path / "report.html"
    address = file.as_uri()

    def open_page(found=MIXED, *, text=None, **options):
        file.write_text(text or report_page.render(analyze(found)))
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def chip(page, name):
    return page.get_by_role("button", name=name, exact=True)


def settled(page):
    """Wait until what was asked for is drawn: charts are drawn once a frame."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def column(page, table, index):
    return page.locator(f"{table} tbody tr > :nth-child({index})").all_inner_texts()


@pytest.mark.parametrize(
    "found",
    [
        MIXED,
        SWEEP,
        results(),
        results(Trial("he", 0, status="failed", reason="killed"), Trial("he", 1, status="failed", reason="killed")),
        results(*(Trial("he", seed, (2.0, 0.4)) for seed in range(2)), task="regression"),
    ],
    ids=["mixed", "sweep", "empty", "failed", "regression"],
)
def test_every_kind_of_results_opens(opened, found):
    page = opened(found)
    expect(page.locator(".verdict")).to_have_text(analyze(found).sentence)
    expect(page.locator("h1")).to_have_text("demo")


def test_a_missing_browser_skips_here_and_fails_in_ci():
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        executable({"PATH": ""})
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        executable({"PATH": "", "CI": "true"})


def test_hostile_names_are_shown_and_never_run(opened):
    ended = {"status": "diverged", "reason": HOSTILE, "planned": 40}
    comparison = analyze(results(*(Trial(HOSTILE, seed, (2.0, 0.4), **ended) for seed in range(2)), *HE))
    found = replace(
        comparison.results,
        experiment=HOSTILE,
        provenance={HOSTILE: HOSTILE},
        manifest=replace(comparison.results.manifest, name=HOSTILE),
    )
    page = opened(text=report_page.render(replace(comparison, results=found, notes=(HOSTILE,), sentence=HOSTILE)))
    for place in ("h1", ".verdict", ".note", "#yaml", ".provenance tbody th", "#schemes .scheme span"):
        expect(page.locator(place).first).to_contain_text(HOSTILE)
    expect(page).to_have_title(f"{HOSTILE} · initbench")
    for summary in page.locator("summary").all():
        summary.click()
    page.locator("#curves-chart").press("ArrowRight")
    settled(page)
    assert page.locator("img").count() == 0


def test_a_click_takes_a_scheme_out_of_every_chart_and_back(opened):
    page = opened()
    places = ("#curves-chart", "#forward-chart", "#backward-chart")
    drawn = [page.locator(f"{place} .mark.c1").count() for place in places]
    assert all(drawn)
    assert page.locator("#maps figure").count() == 3
    chip(page, "xavier").click()
    settled(page)
    assert chip(page, "xavier").get_attribute("aria-pressed") == "false"
    assert [page.locator(f"{place} .c1").count() for place in places] == [0, 0, 0]
    assert page.locator("#maps figure").count() == 2
    assert "xavier" not in page.locator("#reached-chart").inner_text()
    chip(page, "xavier").press("Space")
    settled(page)
    assert [page.locator(f"{place} .mark.c1").count() for place in places] == drawn
    chip(page, "None").click()
    expect(page.locator("#curves-chart")).to_have_text("Every scheme is switched off.")


def test_metric_and_axis_follow_mouse_and_arrow_keys(opened):
    page = opened()
    ticks = page.locator("#curves-chart text")
    expect(page.get_by_role("radio", name="Train loss")).to_be_checked()
    linear = ticks.all_text_contents()
    page.get_by_role("radio", name="Log").check()
    settled(page)
    assert ticks.all_text_contents() != linear
    page.get_by_role("radio", name="Train loss").press("ArrowRight")
    expect(page.get_by_role("radio", name="Test loss")).to_be_checked()
    page.get_by_role("radio", name="Test accuracy").check()
    page.get_by_role("radio", name="Linear").check()
    expect(page.locator("#curves-chart")).to_contain_text("80%")


def test_the_slider_goes_through_the_probed_steps(opened):
    page = opened()
    slider = page.get_by_role("slider")
    expect(page.locator("#step-text")).to_have_text("before training")
    before = page.locator("#forward-chart .mark.c0").nth(0).get_attribute("transform")
    slider.press("End")
    expect(page.locator("#step-text")).to_have_text("after 40 updates")
    assert slider.get_attribute("aria-valuetext") == "after 40 updates"
    assert page.locator("#forward-chart .mark.c0").nth(0).get_attribute("transform") != before
    page.get_by_text("This step as a table").click()
    page.locator("#layers-table").get_by_role("cell", name="layer2").first.wait_for()
    assert column(page, "#layers-table", 4)[:3] == ["4.0", "2.0", "1.0"]


def test_measured_points_stand_beside_the_predicted_line(opened):
    layers = MIXED.records.layers.assign(
        predicted_grad_variance=2.0, predicted_grad_variance_low=1.0, predicted_grad_variance_high=4.0
    )
    page = opened(replace(MIXED, records=replace(MIXED.records, layers=layers)))
    assert page.locator("#backward-chart .theory.c0").count() == 1
    assert page.locator("#forward-chart .theory").count() == 0
    page.get_by_text("This step as a table").click()
    assert column(page, "#layers-table", 7)[:3] == ["×0.50", "×0.45", "×0.50"]


def test_tables_sort_both_ways_with_misses_last_and_nothing_at_the_end(opened):
    page = opened()
    table = "[aria-labelledby=table-schemes] table"
    heading = page.locator(f"{table} thead button").filter(has_text=re.compile(r"^steps to"))
    assert column(page, table, 3) == ["30", "40", "not reached"]
    heading.click()
    expect(page.locator(f"{table} th[aria-sort=ascending]")).to_contain_text("steps to")
    assert column(page, table, 3) == ["30", "40", "not reached"]
    heading.press("Enter")
    expect(page.locator(f"{table} th[aria-sort=descending]")).to_contain_text("steps to")
    assert column(page, table, 3) == ["not reached", "40", "30"]
    page.locator(f"{table} thead button").filter(has_text=re.compile(r"^scheme")).press("Space")
    assert [name.strip() for name in column(page, table, 1)] == ["he", "normal[std=1.0]", "xavier"]
    expect(page.locator("#said")).to_have_text("sorted by scheme, ascending")


def test_charts_read_out_their_values_to_the_keyboard(opened):
    page = opened()
    chart = page.locator("#curves-chart")
    chart.press("Home")
    expect(page.locator("#said")).to_have_text("step 10: he 2.20, xavier 2.30, normal[std=1.0] 90.0")
    chart.press("ArrowRight")
    expect(page.locator("#said")).to_contain_text("step 20: he 1.00, xavier 2.00")
    chart.press("Escape")
    expect(chart.locator(".tip")).to_be_hidden()
    heat = page.locator("#maps canvas").first
    heat.press("ArrowRight")
    heat.press("ArrowDown")
    expect(page.locator("#said")).to_have_text("step 0, layer 2 (layer2): 0.90")


def test_the_pointer_reads_values_too(opened):
    page = opened()
    page.locator("#curves-chart svg").hover(position={"x": 70, "y": 100})
    expect(page.locator("#curves-chart .tip")).to_contain_text("step 10")


def test_a_sweep_is_shown_along_each_axis_and_in_the_chosen_setting(opened):
    page = opened(SWEEP)
    assert page.get_by_label("Setting").input_value() == "0"
    page.locator("#axis").select_option("1")
    expect(page.locator("#sweep-map thead")).to_contain_text("lr")
    assert [text.strip() for text in column(page, "#sweep-map", 2)] == ["0.350 ★", "0.350 ★"]
    page.locator("#outcome").select_option("steps_to_target")
    settled(page)
    assert [text.strip() for text in column(page, "#sweep-map", 3)] == ["not reached", "not reached"]
    expect(page.locator("#sweep-maps figcaption").first).to_have_text("best scheme of each cell")
    page.get_by_label("Setting").select_option("3")
    expect(page.locator("#sweep-text")).to_contain_text("depth=30")


def test_the_theme_follows_the_system_until_told_otherwise(opened):
    page = opened(color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Theme: auto").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)" != dark
    page.get_by_role("button", name="Theme: light").press("Enter")
    assert page.evaluate(ground) == dark
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()


def test_the_config_is_copied_as_it_is(opened):
    page = opened(replace(MIXED, experiment="name: demo\ninit: [he, xavier]\n"), permissions=["clipboard-read"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "name: demo\ninit: [he, xavier]"


@pytest.mark.parametrize("found", [MIXED, SWEEP], ids=["mixed", "sweep"])
def test_nothing_is_wider_than_a_phone(opened, found):
    page = opened(found, viewport={"width": 360, "height": 740})
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_on_a_phone_every_chip_is_whole_and_a_table_that_goes_on_is_shaded(opened):
    page = opened(MIXED, viewport={"width": 390, "height": 800})
    boxes = [chip.bounding_box() for chip in page.locator("#schemes .scheme").all()]
    assert len(boxes) == 3
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    table = page.locator(".scroll").first
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    # two covers that travel with the table, over two shades that stay at its sides
    assert table.evaluate("one => getComputedStyle(one).backgroundAttachment") == "local, local, scroll, scroll"

    def luminance_at_the_right():
        clip = table.bounding_box()
        right = {"x": clip["x"] + clip["width"] - 2, "y": clip["y"] + 2, "width": 1, "height": 1}
        pixels = image.imread(io.BytesIO(page.screenshot(clip=right)))
        return float(pixels[..., :3].mean())

    table.scroll_into_view_if_needed()
    hidden = luminance_at_the_right()
    table.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    settled(page)
    assert hidden < 0.9 < luminance_at_the_right()


def test_a_scheme_that_ran_alone_has_no_star_and_what_was_not_tried_says_so(opened):
    tried = {4: ("he", "xavier"), 8: ("he",)}
    found = results(
        *(Trial(name, 0, (2.2, 0.3 if name == "he" else 0.4), at={"network.depth": depth})
          for depth, names in tried.items() for name in names),
        axes=("init", "network.depth"),
    )  # fmt: skip
    page = opened(found)
    assert [text.strip() for text in column(page, "#sweep-map", 2)] == ["0.300 ★", "0.300"]
    assert [text.strip() for text in column(page, "#sweep-map", 3)] == ["0.400", "not tried"]


def test_every_control_has_a_name_and_every_table_a_caption(opened):
    page = opened(SWEEP)
    for summary in page.locator("summary").all():
        summary.click()
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, select, input, [tabindex='0']")]
        .filter(one => one.offsetParent && !(one.innerText.trim() || one.labels?.length || one.ariaLabel
            || document.getElementById(one.getAttribute("aria-labelledby"))))
        .map(one => one.outerHTML.slice(0, 200))""")
    assert unnamed == []
    bare = (
        "() => [...document.querySelectorAll('table:not(.maps table)')].filter(one => !one.caption?.innerText).length"
    )
    assert page.evaluate(bare) == 0


def test_the_first_tab_offers_to_skip_and_focus_is_visible(opened):
    page = opened()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the findings")).to_be_in_viewport()
    page.locator("#schemes button").first.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_reduced_motion_is_respected(opened):
    page = opened(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_print_shows_the_tables_on_white_without_controls(opened):
    page = opened(color_scheme="dark")
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("#theme")).to_be_hidden()
    expect(page.locator("#table-losses")).to_be_visible()
    expect(page.locator("#curves-chart svg")).to_be_visible()


def test_without_scripts_the_verdict_and_the_tables_remain(opened):
    page = opened(java_script_enabled=False)
    expect(page.locator("[aria-labelledby=table-schemes] table")).to_contain_text("xavier")
    expect(page.get_by_text("The charts need JavaScript")).to_be_visible()
    expect(page.locator("#failures")).to_contain_text("seed 2: diverged at step 20")
    expect(page.locator(".claims")).to_contain_text("paired seeds")


def test_many_schemes_open_with_the_best_and_keep_the_rest_a_click_away(opened):
    trials = [Trial(f"scheme{i:02}", seed, (2.0, *[1.0] * i, 0.4)) for i in range(30) for seed in range(2)]
    page = opened(results(*trials))
    assert page.locator("#schemes [aria-pressed=true]").all_inner_texts() == [f"scheme{i:02}" for i in range(8)]
    expect(page.locator("#few")).to_contain_text("8 schemes")
    chip(page, "All").click()
    settled(page)
    assert page.locator("#curves-chart path.line").count() == 30
    page.locator("#trials-details summary").click()
    expect(page.locator("#trials-table tbody tr")).to_have_count(60)
