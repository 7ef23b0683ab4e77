//! The server that answers connections to a Service: where it was reached, in which pod, and by whom.

use anyhow::{Context, Result};
use netns_topology::Pod;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Threads that accept connections. One slow client does not block the others.
const ACCEPTORS: usize = 4;
/// A socket address, a pod's IPv4 address, a client's address of either family, and the newline.
pub(super) const LONGEST_ANSWER: usize = 47 + 1 + 15 + 1 + 39 + 1;

/// What a client sends that asks for the last time.
pub(super) const ASK: &[u8] = b"?";
/// What a client sends whose connection stays open.
pub(super) const HOLD: &[u8] = b"h";

/// A server on every address of a pod. It reads one byte, answers with the address it was reached at, the pod's own
/// address and the client's address as it sees it, and closes; or it does so as long as the client asks for it.
pub(crate) struct Echo {
    listener: Arc<TcpListener>,
    acceptors: Vec<JoinHandle<()>>,
}

impl Echo {
    /// Starts the server in `pod`, on `port`.
    pub(crate) fn start(pod: &Pod, port: u16) -> Result<Self> {
        let Pod { namespace, address, .. } = pod;
        let any = if address.v6.is_some() { Ipv6Addr::UNSPECIFIED.into() } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let listen = || TcpListener::bind((any, port));
        let listener = namespace.visit(listen).with_context(|| format!("listening in {}", namespace.name()))?;
        Ok(Self::serve(listener, address.v4))
    }

    pub(super) fn serve(listener: TcpListener, pod: Ipv4Addr) -> Self {
        let listener = Arc::new(listener);
        let acceptors = (0..ACCEPTORS).map(|_| {
            let listener = Arc::clone(&listener);
            std::thread::spawn(move || {
                while let Ok((stream, client)) = listener.accept() {
                    // If the client has gone, it reports that itself.
                    let _ = answer(stream, pod, client.ip());
                }
            })
        });
        let acceptors = acceptors.collect();
        Self { listener, acceptors }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Shutting a listening socket down makes accept return.
        let _ = socket2::SockRef::from(&*self.listener).shutdown(Shutdown::Both);
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
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
