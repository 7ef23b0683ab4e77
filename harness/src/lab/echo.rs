//! The server that answers connections to a Service: where it was reached, in which pod, and by whom.

use anyhow::{Context, Result};
use netns_topology::Pod;
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Threads that accept connections from the start.
const ACCEPTORS: usize = 4;
/// A socket address, a pod's IPv4 address, a client's address of either family, and the newline.
pub(super) const LONGEST_ANSWER: usize = 47 + 1 + 15 + 1 + 39 + 1;

/// How long a client waits for a connection or an answer, and the server for what it asks. A SYN is sent again after 1, 3 and
/// 7 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a client sends that asks for the last time.
pub(super) const ASK: &[u8] = b"?";
/// What a client sends whose connection stays open.
pub(super) const HOLD: &[u8] = b"h";

/// A server on every address of a pod. It reads one byte, answers with the address it was reached at, the pod's own
/// address and the client's address as it sees it, and closes; or it does so as long as the client asks for it.
///
/// A client may be cut off before it asks, and the server is not told. It waits no longer than the client does, and others
/// are served in the meantime.
pub(crate) struct Echo(Acceptor);

/// A thread that accepts connections, one after the other.
#[derive(Clone)]
struct Acceptor {
    listener: Arc<TcpListener>,
    pod: Ipv4Addr,
    /// How many acceptors are not busy with a connection.
    free: Arc<AtomicUsize>,
    /// All of them.
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Echo {
    /// Starts the server in `pod`, on `port`.
    pub(crate) fn start(pod: &Pod, port: u16) -> Result<Self> {
        let Pod { namespace, address, .. } = pod;
        let any = if address.v6.is_some() { Ipv6Addr::UNSPECIFIED.into() } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let listen = || TcpListener::bind((any, port));
        let listener = namespace.visit(listen).with_context(|| format!("listening in {}", namespace.name()))?;
        Self::serve(listener, address.v4).with_context(|| format!("serving in {}", namespace.name()))
    }

    pub(super) fn serve(listener: TcpListener, pod: Ipv4Addr) -> std::io::Result<Self> {
        // What is accepted inherits it.
        SockRef::from(&listener).set_read_timeout(Some(PATIENCE))?;
        let listener = Arc::new(listener);
        let echo = Self(Acceptor { listener, pod, free: Arc::default(), threads: Arc::default() });
        (0..ACCEPTORS).try_for_each(|_| echo.0.start())?;
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Shutting a listening socket down makes accept return.
        let _ = SockRef::from(&*self.0.listener).shutdown(Shutdown::Both);
        // A thread that one of them started is on the list before that one ends.
        let next = || self.0.threads().pop();
        while let Some(thread) = next() {
            let _ = thread.join();
        }
    }
}

impl Acceptor {
    fn start(&self) -> std::io::Result<()> {
        self.free.fetch_add(1, Ordering::Relaxed);
        let other = self.clone();
        let started = std::thread::Builder::new().spawn(move || other.run());
        self.threads().push(started.inspect_err(|_| {
            self.free.fetch_sub(1, Ordering::Relaxed);
        })?);
        Ok(())
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            match self.listener.accept() {
                Ok((stream, client)) => {
                    if self.free.fetch_sub(1, Ordering::Relaxed) == 1 {
                        // All the others wait for clients, which may never ask. If none more can be started, one of them ends.
                        let _ = self.start();
                    }
                    // If the client has gone, it reports that itself.
                    let _ = answer(stream, self.pod, client.ip());
                    self.free.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {}
                Err(_) => return,
            }
        }
    }
}

fn answer(mut stream: TcpStream, pod: Ipv4Addr, client: IpAddr) -> std::io::Result<()> {
    let reached = canonical(stream.local_addr()?);
    let answer = format!("{reached} {pod} {}\n", client.to_canonical());
    let mut asked = [0];
    stream.read_exact(&mut asked)?;
    stream.write_all(answer.as_bytes())?;
    if asked == HOLD {
        // It may be silent for as long as it likes.
        stream.set_read_timeout(None)?;
        // The one that accepts is free for others. This thread ends with the connection.
        std::thread::Builder::new().spawn(move || {
            while asked == HOLD
                && stream.read_exact(&mut asked).and_then(|()| stream.write_all(answer.as_bytes())).is_ok()
            {
            }
        })?;
    }
    Ok(())
}

/// An IPv4 address as one, also at a socket of both families.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const POD: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 3);

    #[test]
    fn clients_that_never_ask_hold_up_neither_others_nor_the_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let echo = Echo::serve(listener, POD).unwrap();
        let begun = Instant::now();
        let silent: Vec<_> = (0..3 * ACCEPTORS).map(|_| TcpStream::connect(at).unwrap()).collect();
        let mut asking = TcpStream::connect(at).unwrap();
        asking.write_all(ASK).unwrap();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("{at} {POD} ")), "{answer}");
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        drop(echo);
        assert!(begun.elapsed() < PATIENCE + Duration::from_secs(2), "{:?}", begun.elapsed());
        drop(silent);
    }
}
