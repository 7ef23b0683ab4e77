//! The page in a real browser: nothing is asked of the network, nothing is too wide for a phone, every table and drawing
//! can be read without seeing it.

mod chromium;
#[path = "../sample/mod.rs"]
mod sample;
#[path = "../../../ci/tier.rs"]
mod tier;

use chromium::Chromium;
use lab_core::dataset::Dataset;
use lab_core::vocabulary::Outcome;
use libtest_mimic::{Arguments, Failed};
use reports::Runs;
use reports::report::Report;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use tempfile::TempDir;
use tier::{Requirement, Tier};

type Checked = Result<(), String>;

fn main() -> ExitCode {
    let tier = Tier::look(&[Requirement { name: "chromium", check: || Chromium::find().map(drop) }]);
    let test = |name, test: fn() -> Checked| tier.trial(name, &["chromium"], move || test().map_err(Failed::from));
    let trials = vec![
        test("the_page_asks_nothing_of_the_network_and_says_nothing_on_the_console", asks_and_says_nothing),
        test("no_page_is_wider_than_the_screen_it_is_on", is_no_wider_than_the_screen),
        test("every_table_and_drawing_is_named_and_every_link_leads_somewhere", is_named),
        test("dark_is_dark_and_paper_is_white_and_shows_what_is_folded", is_dark_or_printed),
        test("a_keyboard_reaches_the_contents_and_all_that_scrolls", is_reached_by_keys),
        test("without_scripts_the_charts_are_there", needs_no_scripts),
        test("a_point_that_is_tapped_tells_its_value", tells_its_value),
        test("samples_are_zoomed_into_by_keys_and_printed_whole", is_zoomed_into),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The golden pages, those of the gallery, and pages of data that are odd.
fn pages() -> (TempDir, Vec<(String, PathBuf)>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let recorded = ["tests/golden/report", "tests/golden/counted", "examples/host/report", "examples/exact/report"];
    let mut pages: Vec<(String, PathBuf)> =
        recorded.map(|name| (name.to_owned(), here.join(name).with_extension("html"))).to_vec();
    for name in ["gate", "compare"] {
        pages.push((name.to_owned(), here.join("tests/golden").join(name).with_extension("html")));
    }
    for (name, runs) in odd() {
        let path = folder.path().join(name).with_extension("html");
        fs::write(&path, Report::of(&runs).html()).expect("writing a page");
        pages.push((name.to_owned(), path));
    }
    (folder, pages)
}

/// Runs of which one shape or another is unusual.
fn odd() -> Vec<(&'static str, Runs)> {
    let other = |kernel: &str| {
        let mut dataset = sample::counted();
        dataset.header.id = kernel.to_owned();
        dataset.header.guest.insert("kernel".to_owned(), kernel.to_owned());
        dataset
    };
    let mut empty = sample::dataset();
    empty.header.plan.cells.clear();
    empty.cells.clear();
    let mut over = sample::smoke(sample::dataset());
    for cell in &mut over.cells {
        cell.outcome = Outcome::OverBudget;
        cell.reason = "60 s were used up".to_owned();
        cell.samples.clear();
    }
    let cut = Dataset { end: None, cells: sample::dataset().cells.into_iter().take(40).collect(), ..sample::dataset() };
    vec![
        ("several", Runs::of(vec![other("6.1.0-56-amd64"), other("6.18.44-fc-v595")]).expect("runs on one clock")),
        ("empty", empty.into()),
        ("over", over.into()),
        ("cut", cut.into()),
        ("emulated", sample::emulated().into()),
    ]
}

/// Calls `check` with every page opened in one browser.
fn on_every_page(check: fn(&mut Chromium, &str) -> Checked) -> Checked {
    let (_folder, pages) = pages();
    let mut browser = Chromium::start()?;
    for (name, path) in pages {
        browser.open(&path)?;
        check(&mut browser, &name).map_err(|problem| format!("{name}: {problem}"))?;
    }
    Ok(())
}

fn asks_and_says_nothing() -> Checked {
    on_every_page(|browser, name| {
        browser.evaluate("document.title")?;
        let told = |method: &str| -> Vec<Value> {
            browser.events().iter().filter(|event| event["method"] == method).cloned().collect()
        };
        for method in ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"] {
            ensure(told(method).is_empty(), || format!("{:?}", told(method)))?;
        }
        let requests = told("Network.requestWillBeSent");
        let asked: Vec<&str> = requests.iter().filter_map(|event| event["params"]["request"]["url"].as_str()).collect();
        let page = format!("/{name}.html");
        ensure(matches!(asked[..], [only] if only.ends_with(&page)), || format!("it asked for {asked:?}"))
    })
}

fn is_no_wider_than_the_screen() -> Checked {
    on_every_page(|browser, _| {
        for wide in [320, 390, 768, 1280] {
            browser.resize(wide)?;
            let width = browser.evaluate("document.documentElement.scrollWidth")?;
            ensure(width.as_u64().is_some_and(|width| width <= wide.into()), || format!("{width} wide at {wide}"))?;
        }
        Ok(())
    })
}

/// What is wrong with tables, drawings, headings, ids and links, each in a few words.
const UNNAMED: &str = r#"(() => {
    const wrong = [];
    const text = id => (document.getElementById(id)?.textContent ?? '').trim();
    for (const table of document.querySelectorAll('table')) {
        const name = table.caption?.textContent.trim() || text(table.getAttribute('aria-labelledby'));
        if (!name) wrong.push('a table without a name');
        if ([...table.querySelectorAll('th')].some(th => !th.scope)) wrong.push(`${name}: a th without scope`);
        if (!table.querySelector('thead th[scope=col]')) wrong.push(`${name}: no head`);
        if (!table.querySelector('tbody tr')) wrong.push(`${name}: no rows`);
        const wide = row => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
        if (new Set([...table.rows].map(wide)).size > 1) wrong.push(`${name}: rows of several widths`);
        if ([...table.rows].some(row => [...row.cells].some(cell => cell.tagName == 'TH' && !cell.textContent.trim())))
            wrong.push(`${name}: an empty head`);
    }
    for (const svg of document.querySelectorAll('svg')) {
        const named = svg.getAttribute('role') == 'img' && svg.getAttribute('aria-label');
        if (!named && svg.getAttribute('aria-hidden') != 'true') wrong.push('a drawing without a name');
        if (named && !svg.querySelector('.point, path[fill]')) wrong.push('a drawing without a point');
    }
    const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
    for (const id of ids.filter((id, place) => ids.indexOf(id) != place)) wrong.push(`two of #${id}`);
    for (const link of document.querySelectorAll('a'))
        if (!document.getElementById(link.hash.slice(1))) wrong.push(`${link.hash} leads nowhere`);
    for (const part of document.querySelectorAll('section, nav, [role=group]'))
        if (!part.getAttribute('aria-label') && !text(part.getAttribute('aria-labelledby'))) wrong.push('a part without a name');
    if (document.querySelectorAll('main').length != 1 || document.querySelectorAll('h1').length != 1) wrong.push('main, h1');
    return wrong;
})()"#;

fn is_named() -> Checked {
    on_every_page(|browser, name| {
        let wrong = browser.evaluate(UNNAMED)?;
        ensure(wrong == json!([]), || wrong.to_string())?;
        let drawings = browser.evaluate("document.querySelectorAll('svg[role=img]').length")?;
        // What changed is drawn beside the words for it.
        let expected = !matches!(name, "empty" | "over" | "cut" | "gate" | "compare");
        ensure(!expected || drawings.as_u64() > Some(5), || format!("{drawings} drawings"))
    })
}

fn is_dark_or_printed() -> Checked {
    on_every_page(|browser, name| {
        const PAPER: &str = "getComputedStyle(document.body).backgroundColor";
        const FOLDED: &str = "[...document.querySelectorAll('details:not([open]) table')]
            .filter(table => table.getBoundingClientRect().height == 0 || !table.checkVisibility()).length";
        browser.resize(1000)?;
        let mut papers = Vec::new();
        for scheme in ["light", "dark"] {
            browser.emulate("screen", scheme)?;
            papers.push(browser.evaluate(PAPER)?);
        }
        ensure(papers[0] == "rgb(255, 255, 255)" && papers[1] != papers[0], || format!("{papers:?}"))?;

        // A4 with a centimetre of margin, at 96 pixels an inch.
        browser.resize(718)?;
        browser.emulate("print", "dark")?;
        let paper = browser.evaluate(PAPER)?;
        ensure(paper == papers[0], || format!("printed on {paper}"))?;
        let hidden = browser.evaluate(FOLDED)?;
        ensure(hidden == 0, || format!("{hidden} tables stay folded on paper"))?;
        let width = browser.evaluate("document.documentElement.scrollWidth")?;
        let fits = name == "several" || width.as_u64() <= Some(718);
        ensure(fits, || format!("{width} wide on paper"))?;
        browser.emulate("", "light")?;
        let printed = browser.call("Page.printToPDF", json!({"printBackground": true}))?;
        // Base64 of "%PDF-".
        let is_pdf = printed["data"].as_str().is_some_and(|data| data.starts_with("JVBERi") && data.len() > 20_000);
        ensure(is_pdf, || "it does not print".to_owned())
    })
}

fn is_reached_by_keys() -> Checked {
    on_every_page(|browser, name| {
        const WHERE: &str = "(element => element.hash || element.className || element.tagName)(document.activeElement)";
        let mut reached = Vec::new();
        for _ in 0..3 {
            for kind in ["keyDown", "keyUp"] {
                browser.call(
                    "Input.dispatchKeyEvent",
                    json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}),
                )?;
            }
            reached.push(browser.evaluate(WHERE)?);
        }
        let first = if matches!(name, "gate" | "compare") { "#verdict" } else { "#answer" };
        ensure(reached[0] == first && reached[1] == first, || format!("Tab leads to {reached:?}"))?;
        ensure(reached[2].as_str().is_some_and(|hash| hash.starts_with('#')), || format!("then to {reached:?}"))?;
        let lost = browser.evaluate(
            "[...document.querySelectorAll('*')].filter(element => /auto|scroll/.test(getComputedStyle(element).overflowX)
             && element.tabIndex != 0 && !element.querySelector('a, button, summary')).map(element => element.outerHTML.slice(0, 80))",
        )?;
        ensure(lost == json!([]), || format!("no key scrolls {lost}"))
    })
}

fn needs_no_scripts() -> Checked {
    let (_folder, pages) = pages();
    let mut browser = Chromium::start()?;
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}))?;
    browser.resize(390)?;
    let (_, path) = &pages[0];
    browser.open(path)?;
    let root = browser.call("DOM.getDocument", json!({}))?["root"]["nodeId"].clone();
    let selector = json!({"nodeId": root, "selector": "figure > svg"});
    let found = browser.call("DOM.querySelectorAll", selector)?["nodeIds"].clone();
    let drawings = found.as_array().map(Vec::len).unwrap_or_default();
    ensure(drawings > 5, || format!("{drawings} drawings"))?;
    for node in found.as_array().into_iter().flatten() {
        let drawn = browser.call("DOM.getBoxModel", json!({"nodeId": node}))?;
        let (width, height) = (&drawn["model"]["width"], &drawn["model"]["height"]);
        ensure(width.as_u64() > Some(200) && height.as_u64() > Some(100), || format!("{width} by {height}"))?;
    }
    Ok(())
}

fn tells_its_value() -> Checked {
    let (_folder, pages) = pages();
    let mut browser = Chromium::start()?;
    browser.resize(390)?;
    browser.open(&pages[0].1)?;
    let place = browser.evaluate(
        "(() => { const point = document.querySelector('.point'); point.scrollIntoView({block: 'center', behavior: 'instant'});
         const {x, y, width, height} = point.querySelector('circle').getBoundingClientRect();
         return {x: x + width / 2, y: y + height / 2, before: getComputedStyle(point.querySelector('text')).visibility} })()",
    )?;
    ensure(place["before"] == "hidden", || place.to_string())?;
    for kind in ["mousePressed", "mouseReleased"] {
        let click = json!({"type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", click)?;
    }
    let told = browser.evaluate(
        "[...document.querySelectorAll('.point text')].filter(text => getComputedStyle(text).visibility == 'visible')
         .map(text => text.textContent)",
    )?;
    let is_told = told[0].as_str().is_some_and(|text| text.contains("1 Service: 6."));
    ensure(is_told, || format!("a tap tells {told}"))
}

fn is_zoomed_into() -> Checked {
    let (_folder, pages) = pages();
    let mut browser = Chromium::start()?;
    browser.resize(390)?;
    browser.open(&pages[0].1)?;
    // How much of the drawing is inked says whether it was drawn anew.
    const INKED: &str = "[...document.querySelectorAll('figure .plot canvas')].map(canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((alpha, place) => place % 4 == 3 && alpha > 0).length })[0]";
    const SHOWN: &str = "[...document.querySelectorAll('figure[data-zoom] > svg')]
        .map(svg => getComputedStyle(svg).display)[0]";
    let whole = browser.evaluate(INKED)?;
    ensure(whole.as_u64() > Some(500), || format!("{whole} pixels are inked"))?;
    ensure(browser.evaluate(SHOWN)? == "none", || "the drawing stands there twice".to_owned())?;
    browser.evaluate("document.querySelector('button[data-move=in]').focus()")?;
    for kind in ["keyDown", "keyUp"] {
        let key = json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"});
        browser.call("Input.dispatchKeyEvent", key)?;
    }
    // uPlot draws in a microtask.
    let wait = json!({"expression": "new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))", "awaitPromise": true});
    browser.call("Runtime.evaluate", wait)?;
    let closer = browser.evaluate(INKED)?;
    ensure(closer != whole && closer.as_u64() > Some(200), || format!("closer, {closer} of {whole} pixels are inked"))?;
    browser.emulate("print", "light")?;
    ensure(browser.evaluate(SHOWN)? == "block", || "on paper it is not whole".to_owned())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}
