use super::*;

fn refusal(text: &str) -> String {
    format!("{:#}", Document::read("a.md", text).unwrap_err())
}

fn only(text: &str) -> Command {
    let Document { mut places, .. } = Document::read("a.md", text).unwrap();
    assert_eq!(places.len(), 1);
    places.remove(0).command
}

fn command(line: &str) -> Command {
    only(&format!("<!-- {line} -->\n<!-- /svclab -->\n"))
}

const TWO: &str = "# A\n<!-- svclab plan smoke -->\nold\n<!-- /svclab -->\nbetween\n\
                   <!-- svclab report a --format markdown -->\n<!-- /svclab -->\nend";

#[test]
fn what_stands_outside_of_the_places_stays_to_the_byte() {
    let document = Document::read("a.md", TWO).unwrap();
    assert_eq!(document.places().iter().map(|place| place.line).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(document.with(&["old\n".to_owned(), String::new()]), TWO);
    let new = document.with(&["new\n".to_owned(), "table\n".to_owned()]);
    assert!(
        new.contains("smoke -->\nnew\n<!-- /svclab -->\nbetween\n") && new.ends_with("table\n<!-- /svclab -->\nend")
    );

    let windows = TWO.replace('\n', "\r\n");
    let document = Document::read("a.md", &windows).unwrap();
    assert_eq!(document.with(&["old\r\n".to_owned(), String::new()]), windows);
}

#[test]
fn what_was_filled_in_is_read_as_the_same_place() {
    let document = Document::read("a.md", TWO).unwrap();
    let filled: Vec<String> = document.places().iter().map(|place| place.command.content("```\nfence\n")).collect();
    let once = document.with(&filled);
    assert_eq!(Document::read("a.md", &once).unwrap().with(&filled), once);
}

#[test]
fn a_marker_in_fenced_code_is_an_example() {
    for fence in ["```", "````md", "~~~"] {
        let end = fence.trim_end_matches("md");
        let text = format!("{fence}\n<!-- svclab plan smoke -->\n<!-- /svclab -->\n{end}\n{TWO}");
        assert_eq!(Document::read("a.md", &text).unwrap().places().len(), 2, "{fence}");
    }
}

#[test]
fn a_marker_without_its_partner_is_named_with_its_line() {
    assert_eq!(
        refusal("text\n<!-- svclab plan smoke -->\n"),
        "a.md:2: this place has no end; end it with <!-- /svclab -->"
    );
    assert!(refusal("\n\n<!-- /svclab -->\n").starts_with("a.md:3: <!-- /svclab --> ends no place"));
    let nested = "<!-- svclab plan smoke -->\n<!-- svclab plan smoke -->\n<!-- /svclab -->\n";
    assert!(refusal(nested).starts_with("a.md:2: a place within the place of line 1; end that"));
    assert!(refusal("<!-- svclab plan\nsmoke -->").contains("a.md:1: a marker needs its own line"));
}

#[test]
fn only_verbs_that_change_nothing_can_be_called() {
    let marker = |line: &str| refusal(&format!("<!-- {line} -->\n<!-- /svclab -->\n"));
    assert_eq!(
        marker("svclab scenario smoke"),
        "a.md:1: a document cannot call svclab scenario; it can call report, capacity, query, render, plan"
    );
    assert!(marker("svclab").starts_with("a.md:1: the marker names no verb"));
    assert!(marker("svclab report a --out=b").contains("writes no files"));
    for file in ["../a.svg", "/tmp/a.svg", "a.sh", "a b.svg"] {
        assert!(marker(&format!("svclab report a > '{file}'")).contains("goes into a file *.svg"), "{file}");
    }
    assert!(marker("svclab report a > a.svg > b.svg").contains("one > FILE"));
    assert!(marker("svclab report a > a.svg b").contains("the name of one file"));
    assert!(marker("svclab query \"select").contains("is not ended"));
}

#[test]
fn a_command_is_split_as_a_shell_would() {
    let query = command("svclab query \"select * where n > 3 and a = 'b'\" run");
    assert_eq!(query.words, ["query", "select * where n > 3 and a = 'b'", "run"]);
    let chart = command("svclab report run --format svg > charts/a.svg");
    assert_eq!(chart.words, ["report", "run", "--format", "svg"]);
    assert_eq!(chart.picture.as_deref(), Some(Path::new("charts/a.svg")));
}

#[test]
fn markdown_stands_as_it_is_other_text_in_a_fence_and_a_drawing_in_its_file() {
    assert_eq!(
        command("svclab report a --format markdown").content("\n| a |\n|---|\n\n"),
        "\n| a |\n|---|\n\nMade by `svclab report a --format markdown`\n"
    );
    assert_eq!(command("svclab plan smoke").content("cells\n"), "\n```console\n$ svclab plan smoke\ncells\n```\n");
    assert!(command("svclab plan smoke").content("````\n").starts_with("\n`````console\n"));
    assert_eq!(
        command("svclab report a --format svg > a.svg").content("<svg><title>N &lt; 3</title></svg>"),
        "\n![N < 3](a.svg)\n\nMade by `svclab report a --format svg > a.svg`\n"
    );
}

#[test]
fn a_difference_is_shown_as_diff_marks_it() {
    assert_eq!(difference("a\n", "a\n"), None);
    assert_eq!(difference("a\nold\nz\n", "a\nnew\nnewer\nz\n").unwrap(), "-old\n+new\n+newer\n");
    let long = difference("", &"line\n".repeat(20)).unwrap();
    assert!(long.ends_with("+line\n+… and 14 lines more\n"), "{long}");
}
