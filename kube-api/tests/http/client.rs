//! A client that shows every byte of what the server says: tests of the protocol ask with it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// After this long without a byte, a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A socket on loopback, at a free port.
pub(crate) fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// The beginning of an answer, and a reader of its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: Vec<String>,
    stream: BufReader<TcpStream>,
    /// What is left of the chunk that is being read, and whether the last one came.
    left: usize,
    is_over: bool,
}

impl Answer {
    /// A header's value; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.head.iter().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    }

    /// The whole body.
    pub(crate) fn text(mut self) -> String {
        let mut text = String::new();
        self.read_to_string(&mut text).unwrap();
        text
    }

    /// The whole body as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The next line as JSON; `None` at the end, a clean one or not.
    pub(crate) fn line(&mut self) -> Option<Value> {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.read(&mut byte).ok()? == 1 {
            if byte[0] == b'\n' {
                return Some(serde_json::from_slice(&line).unwrap());
            }
            line.push(byte[0]);
        }
        None
    }

    /// Whether the server said that this is all.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// The body, without the frame of its chunks.
impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.is_over {
            let mut size = String::new();
            self.stream.read_line(&mut size)?;
            let wrong = || std::io::Error::other(format!("a chunk's size is {size:?}"));
            self.left = usize::from_str_radix(size.trim(), 16).map_err(|_| wrong())?;
            self.is_over = self.left == 0;
        }
        if self.is_over {
            return Ok(0);
        }
        let most = self.left.min(buffer.len());
        let read = self.stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        if self.left == 0 && !self.header("transfer-encoding").is_empty() {
            self.stream.read_exact(&mut [0; 2])?;
        } else if self.left == 0 {
            self.is_over = true;
        }
        Ok(read)
    }
}

/// Sends a request as it stands, and reads the beginning of the answer.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let status = head[0].split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    let mut answer = Answer { status, head, stream, left: 0, is_over: false };
    let length = answer.header("content-length").parse().ok();
    answer.left = length.unwrap_or(0);
    answer.is_over = length == Some(0);
    answer
}

/// Asks for `target` as kube-proxy does with `contentType: application/json`.
pub(crate) fn get(address: SocketAddr, target: &str) -> Answer {
    ask(address, "GET", target, "Accept: application/json, */*\r\n", "")
}
