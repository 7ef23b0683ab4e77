//! `svclab query`: with the feature `query`, polars' answers from the Parquet files; without it, how to get it.

use std::process::{Command, Output};

fn query(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svclab")).arg("query").args(args).output().expect("svclab should start")
}

/// What svclab said on standard error, ending with exit code 2 and having printed nothing.
fn refused(args: &[&str]) -> String {
    let output = query(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?} printed something");
    said
}

#[cfg(not(feature = "query"))]
#[test]
fn a_build_without_sql_says_how_to_get_it_and_what_to_do_instead() {
    let said = refused(&["select 1", "runs/one", "runs/two"]);
    assert!(said.contains("build it with: cargo build --release --features query"), "{said}");
    assert!(said.contains("svclab report runs/one runs/two --format parquet --out DIR"), "{said}");
}

#[test]
fn a_query_needs_a_run_and_help_shows_some() {
    assert!(refused(&["select 1"]).contains("<RUN>"));
    let help = String::from_utf8(query(&["--help"]).stdout).unwrap();
    assert!(help.contains("median(value)") && help.contains("reports/FORMATS.md"), "{help}");
}

#[cfg(feature = "query")]
mod with_sql {
    use super::{query, refused};
    use lab_core::dataset::Dataset;
    use lab_core::stats;
    use serde_json::Value;
    use std::path::Path;

    /// A run of this machine's.
    fn recorded(name: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../analysis/tests/format-1/{name}.jsonl"));
        file.to_str().unwrap().to_owned()
    }

    /// The rows of an answer, as CSV without its head.
    fn rows(sql: &str, runs: &[String]) -> Vec<Vec<String>> {
        let mut args = vec![sql];
        args.extend(runs.iter().map(String::as_str));
        args.extend(["--format", "csv"]);
        let output = query(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{sql}: {said}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_text_that_would_be_a_formula_is_none_in_csv() {
        let answer = rows("select '=1+1' as formula, -1 as number from samples limit 1", &[recorded("host")]);
        assert_eq!(answer, [["'=1+1", "-1"]]);
    }

    fn dataset(run: &str) -> Dataset {
        Dataset::read(&std::fs::read_to_string(run).unwrap()).unwrap()
    }

    #[test]
    fn a_query_of_medians_and_quantiles_answers_what_the_samples_say() {
        let run = recorded("host");
        let sql = "select backend, services, count(value) as n, median(value) as p50, \
                   quantile_cont(value, 0.9) as p90 from samples \
                   where metric = 'connect' and value is not null group by backend, services order by backend, services";
        let answered = rows(sql, std::slice::from_ref(&run));
        let dataset = dataset(&run);
        assert_eq!(answered.len(), 4, "direct at both sizes, iptables-legacy and nftables at one: {answered:?}");
        for row in &answered {
            let of = dataset.cells.iter().filter(|record| {
                record.metric.to_string() == "connect"
                    && record.cell.variant.backend.to_string() == row[0]
                    && record.cell.cluster.services.to_string() == row[1]
            });
            let samples: Vec<f64> = of.flat_map(|record| record.samples.clone()).collect();
            assert_eq!(row[2], samples.len().to_string(), "{row:?}");
            assert_eq!(row[3].parse::<f64>().ok(), stats::median(&samples), "{row:?}");
            let ninetieth = stats::quantile(&samples, 0.9).unwrap();
            assert!((row[4].parse::<f64>().unwrap() - ninetieth).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn polars_reads_every_row_and_column_of_both_files() {
        for name in ["host", "exact", "failed"] {
            let run = [recorded(name)];
            let dataset = dataset(&run[0]);
            let samples: usize = dataset.cells.iter().map(|record| record.samples.len().max(1)).sum();
            assert_eq!(rows("select count(*) from samples", &run), [[samples.to_string()]]);
            let without: usize = dataset.cells.iter().filter(|record| record.samples.is_empty()).count();
            assert_eq!(rows("select count(*) from samples where value is null", &run), [[without.to_string()]]);
            let sum: f64 = dataset.cells.iter().flat_map(|record| &record.samples).sum();
            let answered: f64 = rows("select sum(value) from samples", &run)[0][0].parse().unwrap();
            assert!((answered - sum).abs() <= 1e-9 * sum, "{answered} is not {sum}");
            let summary = analysis::summary::summarise(&dataset);
            assert_eq!(rows("select count(*) from summary", &run), [[summary.len().to_string()]]);
            let medians = rows("select p50 from summary where p50 is not null", &run);
            let expected: Vec<f64> = summary.iter().filter_map(|row| Some(row.figures?.p50)).collect();
            let medians: Vec<f64> = medians.iter().map(|row| row[0].parse().unwrap()).collect();
            assert_eq!(medians, expected);
        }
    }

    #[test]
    fn a_query_of_several_runs_has_the_rows_of_all_and_tells_them_apart() {
        let runs = [recorded("host"), recorded("exact")];
        let answered =
            rows("select clock, kernel, count(distinct run) from summary group by clock, kernel order by clock", &runs);
        assert_eq!(answered, [["instructions", "6.1.0-56-amd64", "1"], ["wall", "6.18.44-fc-v595", "1"]]);
    }

    #[test]
    fn a_query_is_answered_as_a_table_and_as_json_too() {
        let run = recorded("host");
        let sql = "select backend, services, min(p50) as least from summary where metric = 'connect' and services = 1 \
                   group by backend, services order by backend";
        let table = String::from_utf8(query(&[sql, &run]).stdout).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "backend          services    least");
        assert_eq!(lines[2], "direct                  1  24997.5");
        assert_eq!(lines.len(), 6, "{table}");
        assert!(lines[4].starts_with("ipvs ") && lines[4].ends_with(" 1"), "what is null is empty: {table}");

        let json = query(&[sql, &run, "--format", "json"]).stdout;
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json[0], serde_json::json!({"backend": "direct", "services": 1, "least": 24_997.5}));
        assert_eq!(json[2]["least"], Value::Null);
    }

    #[test]
    fn a_query_that_is_wrong_is_answered_with_the_tables_and_their_columns() {
        let run = recorded("host");
        for (sql, problem) in [
            ("select speed from samples", "speed"),
            ("select * from sample", "sample"),
            ("selekt * from samples", "sql parser error"),
            ("select min(value), max(value) from samples", "give each a name of its own"),
        ] {
            let said = refused(&[sql, &run]);
            assert!(said.starts_with("svclab: the query cannot be answered: ") && said.contains(problem), "{said}");
            assert!(
                said.contains("samples (run, clock, kernel, ") && said.contains("; summary (run, clock, "),
                "{said}"
            );
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
