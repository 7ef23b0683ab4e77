//! Small recorded runs, made up for tests, and a folder to work in.
//!
//! Shared by test binaries through `#[path]`; no one of them uses all of it.
#![allow(dead_code, reason = "each test binary uses a part")]

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A run of scenario `tiny`: three backends at 10 Services, `sync_full` and `connect`.
#[derive(Clone)]
pub(crate) struct Run {
    header: Value,
    cells: Vec<Value>,
    end: bool,
    replaced: Vec<(String, String)>,
}

/// What is measured of it: backend, probe, and the base of its samples.
const CELLS: &[(&str, &str, f64)] = &[
    ("direct", "connect", 50_000.0),
    ("iptables-legacy", "sync_full", 20_000_000.0),
    ("iptables-legacy", "connect", 60_000.0),
    ("nftables", "sync_full", 30_000_000.0),
    ("nftables", "connect", 70_000.0),
];

/// Rounds on a wall clock.
const ROUNDS: u32 = 12;

const SCENARIO: &str = "name: tiny\nquestion: Is it slower?\nservices: [10]\nbackends: [direct, iptables-legacy, \
                        nftables]\nprobes: [sync_full, connect]\nrounds: 12\ndials: 10\n";

impl Run {
    /// In the target `exact`.
    pub(crate) fn exact() -> Self {
        let guest = json!({
            "kernel": "6.1.0-56-amd64", "kernel_name": "debian-12", "initramfs_sha256": "abc", "memory_mib": "4096",
            "cpus": "1", "qemu": "QEMU emulator version 7.2.22", "engine": "tcg, counting instructions", "jobs": "2",
        });
        Self::of("exact", "instructions", 1, guest)
    }

    /// On some other machine's wall clock.
    pub(crate) fn host() -> Self {
        Self::of("host", "wall", ROUNDS, json!({}))
    }

    fn of(target: &str, clock: &str, rounds: u32, guest: Value) -> Self {
        let cell = |(backend, probe, _): &(&str, &str, f64)| {
            let way = if *backend == "direct" { "none" } else { "partial" };
            let position = if *probe == "connect" { Some("first") } else { None };
            json!({
                "services": 10, "endpoints": 2, "backend": backend, "scheduler": null, "forwarding": null, "way": way,
                "probe": probe, "position": position,
            })
        };
        let plan: Vec<Value> = CELLS.iter().map(cell).collect();
        let mut cells = Vec::new();
        for round in 0..rounds {
            for (written, (backend, _, base)) in plan.iter().zip(CELLS) {
                let layout = if *backend == "direct" { "none" } else { "kube-proxy-1.30" };
                // Half a percent to and fro, so that a wall clock's interval is not a point.
                let sample = base * (1.0 + 0.005 * f64::from(round % 3));
                let mut record = json!({
                    "kind": "cell", "scenario": "tiny", "target": target, "layout": layout, "round": round, "replica": 0,
                    "outcome": "measured", "metric": written["probe"], "unit": "ns", "samples": [sample],
                });
                record.as_object_mut().unwrap().extend(written.as_object().unwrap().clone());
                cells.push(record);
            }
        }
        let header = json!({
            "kind": "run", "format": 1, "id": format!("tiny-{target}"), "version": "0.1.0", "revision": "62bba04f16ab",
            "command": ["svclab", "scenario", "tiny.yaml"], "scenario": SCENARIO, "question": "Is it slower?",
            "plan": {
                "scenario": "tiny", "target": target, "seed": 1, "rounds": rounds, "replicas": 1,
                "budget": {"secs": 60, "nanos": 0}, "dials": 10, "traffic": {"secs": 1, "nanos": 0},
                "churn": {"secs": 10, "nanos": 0}, "persistence": null, "memory": 4096, "cells": plan,
            },
            "clock": clock,
            "host": {"arch": "x86_64", "cpu": "a processor of nobody's", "cpus": "2", "kernel": "6.18.44"},
            "guest": guest,
            "tools": {"iptables-legacy": "iptables v1.8.9 (legacy)", "nft": "nftables v1.0.6"},
            "start": "2026-11-21T17:29:03.767974045Z",
        });
        Self { header, cells, end: true, replaced: Vec::new() }
    }

    /// With another id.
    pub(crate) fn named(mut self, id: &str) -> Self {
        self.header["id"] = id.into();
        self
    }

    /// Begun at another time.
    pub(crate) fn begun(mut self, start: &str) -> Self {
        self.header["start"] = start.into();
        self
    }

    fn of_cell<'a>(&'a mut self, backend: &'a str, probe: &'a str) -> impl Iterator<Item = &'a mut Value> {
        let found = self.cells.iter_mut().filter(move |cell| cell["backend"] == backend && cell["probe"] == probe);
        let mut found = found.peekable();
        assert!(found.peek().is_some(), "there is no {probe} of {backend}");
        found
    }

    /// With a cell's samples `factor` times as large.
    pub(crate) fn times(mut self, backend: &str, probe: &str, factor: f64) -> Self {
        for cell in self.of_cell(backend, probe) {
            cell["samples"] = json!([cell["samples"][0].as_f64().unwrap() * factor]);
        }
        self
    }

    /// With a cell that failed, and why.
    pub(crate) fn failed(mut self, backend: &str, probe: &str, reason: &str) -> Self {
        for cell in self.of_cell(backend, probe) {
            cell["outcome"] = "failed".into();
            cell["reason"] = reason.into();
            cell["samples"] = json!([]);
        }
        self
    }

    /// Without the cells of `probe`, in the plan as well.
    pub(crate) fn without(mut self, probe: &str) -> Self {
        self.cells.retain(|cell| cell["probe"] != probe);
        self.header["plan"]["cells"].as_array_mut().unwrap().retain(|cell| cell["probe"] != probe);
        self
    }

    /// Only its first records, and no end line.
    pub(crate) fn cut_off(mut self, records: usize) -> Self {
        self.cells.truncate(records);
        self.end = false;
        self
    }

    /// With one text for another, wherever it stands.
    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        self.replaced.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Its `run.jsonl`.
    pub(crate) fn text(&self) -> String {
        let failed = self.cells.iter().filter(|cell| cell["outcome"] == "failed").count();
        let end = json!({
            "kind": "end", "end": "2026-11-21T17:31:03.767974045Z", "peak_rss": 1, "interrupted": false,
            "cells": if failed > 0 { json!({"measured": CELLS.len() - 1, "failed": 1}) } else { json!({"measured": CELLS.len()}) },
        });
        let lines = [&self.header].into_iter().chain(&self.cells).chain(self.end.then_some(&end));
        let mut text: String = lines.map(|line| format!("{line}\n")).collect();
        for (from, to) in &self.replaced {
            assert!(text.contains(from), "there is no {from} to replace");
            text = text.replace(from, to);
        }
        text
    }
}

/// A folder that svclab is run in.
pub(crate) struct Workplace(TempDir);

impl Workplace {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Writes a run's folder; its name.
    pub(crate) fn write(&self, name: &str, run: &Run) -> String {
        fs::write(self.folder(name).join("run.jsonl"), run.text()).unwrap();
        name.to_owned()
    }

    /// Writes a run as a file; its name.
    pub(crate) fn write_file(&self, name: &str, run: &Run) -> String {
        self.text(name, &run.text())
    }

    /// Writes a file; its name.
    pub(crate) fn text(&self, name: &str, text: &str) -> String {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        name.to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What svclab printed and what it said on standard error, ending with `code`.
    pub(crate) fn ends(&self, code: i32, args: &[&str]) -> (String, String) {
        self.ends_with(&[], code, args)
    }

    /// The same with these variables in its environment, which otherwise knows of no CI.
    pub(crate) fn ends_with(&self, variables: &[(&str, &str)], code: i32, args: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svclab"));
        command.args(args).current_dir(self.0.path());
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY").envs(variables.iter().copied());
        let output = command.output().expect("svclab should start");
        let said = String::from_utf8(output.stderr).unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}\n{printed}");
        (printed, said)
    }

    /// What svclab said on standard error, ending with 2 and having printed nothing.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let (printed, said) = self.ends(2, args);
        assert!(printed.is_empty(), "{args:?} printed {printed}");
        said
    }
}
