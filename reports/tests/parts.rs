//! Parts of a report by name, and its charts as files of their own.

mod sample;

use reports::report::Report;

fn report() -> Report {
    Report::of(&sample::counted().into())
}

/// The names in the answer to an unknown one.
fn names() -> Vec<String> {
    let said = report().markdown_part("nowhere").unwrap_err().to_string();
    let (_, names) = said.split_once("known: ").expect("it says which there are");
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_part_is_shown_without_a_heading_and_is_in_the_whole() {
    let names = names();
    for expected in ["answer", "sizes", "compared", "environment", "sync_change"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    for name in names.iter().take(12) {
        let part = report().markdown_part(name).unwrap();
        assert!(!part.trim().is_empty() && !part.lines().any(|line| line.starts_with('#')), "{name}: {part}");
        let text = report().terminal_part(name, 100).unwrap();
        // A command is one line, however long.
        let wide = |line: &&str| line.chars().count() > 100 && !line.starts_with("  ");
        assert!(!text.starts_with('\n') && text.lines().find(wide).is_none(), "{name}: {text}");
    }
    let whole = report().markdown();
    let sizes = report().markdown_part("sizes").unwrap();
    let rows: Vec<_> = sizes.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 2 && whole.contains(&rows.join("\n")), "{sizes}");
}

#[test]
fn a_mistyped_part_is_answered_with_the_nearest() {
    let said = report().markdown_part("sync_chang").unwrap_err().to_string();
    assert!(
        said.starts_with("unknown section \"sync_chang\"") && said.contains("did you mean \"sync_change\"?"),
        "{said}"
    );
}

#[test]
fn a_picture_is_a_whole_file_with_its_title_and_colours_for_light_and_dark() {
    let (counted, emulated, smoke) = (sample::counted(), sample::emulated(), sample::smoke(sample::counted()));
    let pictures = [counted, emulated, smoke].map(|dataset| Report::of(&dataset.into()).pictures());
    assert!(pictures[0].iter().any(|(name, _)| name == "sync_change"));
    for (name, svg) in pictures.into_iter().flatten() {
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" ") && svg.ends_with("</svg>\n"), "{name}");
        assert!(svg.contains("<title>") && svg.contains("prefers-color-scheme:dark"), "{name}");
        assert_eq!(svg.matches("<svg ").count(), svg.matches("</svg>").count(), "{name}");
        assert!(!svg.contains("http://www.w3.org/1999") && !svg.contains("href"), "{name} needs something else");
        assert!(svg.contains("currentColor") && !svg.contains("\"#000000\""), "{name} has ink of one colour");
    }
}
