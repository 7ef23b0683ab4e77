//! Chromium without a window, driven over its DevTools pipe: a JSON message, a zero byte, and so on.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the program is called, here and there.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// A running browser; it ends with this value.
pub(crate) struct Chromium {
    child: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    /// The messages so far.
    sent: u64,
    /// What the page told of by itself, in order.
    events: Vec<Value>,
    /// The page's session.
    session: String,
    _profile: TempDir,
}

impl Chromium {
    /// Where it is installed.
    ///
    /// # Errors
    /// When it is not: says what installs it.
    pub(crate) fn find() -> Result<PathBuf, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
        let there = places.into_iter().find(|program| program.is_file());
        there.ok_or_else(|| "chromium is not installed; install it with: ci/setup --tests".to_owned())
    }

    /// Starts it with a profile of its own, and opens an empty page.
    pub(crate) fn start() -> Result<Self, String> {
        let program = Self::find()?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        // The pipe is file descriptors 3 and 4. As root there is no sandbox; the pages are our own.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("starting chromium: {error}"))?;
        let input = child.stdin.take().ok_or("chromium has no input")?;
        let mut pipe = BufReader::new(child.stdout.take().ok_or("chromium has no output")?);
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while pipe.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let session = String::new();
        let mut browser = Self { child, input, output, sent: 0, events: Vec::new(), session, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach)?["sessionId"].clone();
        browser.session = session.as_str().ok_or("chromium opened no page")?.to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// What `method` answers.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let failed = |what: String| format!("{method}: {what}");
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).map_err(|error| failed(error.to_string()))?;
        loop {
            let answer =
                self.output.recv_timeout(PATIENCE).map_err(|_| failed("chromium does not answer".to_owned()))?;
            match &answer["id"] {
                id if *id == self.sent && answer["error"].is_null() => return Ok(answer["result"].clone()),
                id if *id == self.sent => return Err(failed(answer["error"].to_string())),
                _ => self.events.push(answer),
            }
        }
    }

    /// Opens the file `page`, and waits until it is loaded. What was told of an earlier page is forgotten.
    pub(crate) fn open(&mut self, page: &Path) -> Result<(), String> {
        self.events.clear();
        let address = format!("file://{}", page.display());
        self.call("Page.navigate", json!({"url": address}))?;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.output.recv_timeout(PATIENCE).map_err(|_| format!("{address} does not load"))?;
            self.events.push(event);
        }
        Ok(())
    }

    /// What the page told of by itself since it was opened.
    pub(crate) fn events(&self) -> &[Value] {
        &self.events
    }

    /// The value of a JavaScript expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let answer = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}))?;
        match &answer["exceptionDetails"] {
            Value::Null => Ok(answer["result"]["value"].clone()),
            details => Err(format!("{expression}: {details}")),
        }
    }

    /// A screen `wide` pixels across.
    pub(crate) fn resize(&mut self, wide: u32) -> Result<(), String> {
        let metrics = json!({"width": wide, "height": 844, "deviceScaleFactor": 1, "mobile": wide < 500});
        self.call("Emulation.setDeviceMetricsOverride", metrics).map(drop)
    }

    /// As on `media`, `screen` or `print`, with a preference for the colour `scheme`.
    pub(crate) fn emulate(&mut self, media: &str, scheme: &str) -> Result<(), String> {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features})).map(drop)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
