//! A running server: its thread, its connections, and the changes that it is told.

use crate::objects::{Objects, Stage, Update, updates};
use crate::route;
use crate::served::Served;
use crate::site::{Settings, Site};
use crate::store::Store;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long the server waits after it could not accept a connection: descriptors may be short.
const PAUSE: Duration = Duration::from_millis(20);

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    site: Arc<Site>,
    address: SocketAddr,
    /// Counts how often all connections were to be closed. When it is dropped, the thread ends.
    cuts: Option<watch::Sender<u64>>,
    thread: Option<JoinHandle<()>>,
    /// Changes come one after the other.
    changing: Mutex<()>,
}

impl Server {
    /// Serves `cluster` on `listener`, in a thread of its own. The socket stays in the network namespace where it was made.
    ///
    /// # Errors
    /// If the socket is not one that listens, or the thread cannot be started.
    pub fn start(listener: TcpListener, cluster: &Arc<Cluster>) -> io::Result<Self> {
        Self::start_with(listener, &Objects::of(cluster), Settings::default())
    }

    /// The same for objects that were made before, and with a choice of how the server behaves.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(listener: TcpListener, objects: &Objects, settings: Settings) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let site = Arc::new(Site::new(Store::new(objects, settings.history.max(1)), settings));
        let (cuts, cut) = watch::channel(0);
        let serve = {
            let site = Arc::clone(&site);
            move || runtime.block_on(accept(listener, site, cut))
        };
        let thread = thread::Builder::new().name("kube-api".to_owned()).spawn(serve)?;
        Ok(Self { site, address, cuts: Some(cuts), thread: Some(thread), changing: Mutex::new(()) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Applies `change` in one burst: when it returns, every watcher's events are queued. Returns when that was.
    ///
    /// The endpoint slices of an added Service come before the Service, and a removed Service goes before its slices. The
    /// other way round, kube-proxy sees a Service without endpoints in between, and writes rules for it twice: first to
    /// reject its connections, then for its endpoints. In either order kube-proxy 1.36.3 syncs twice, once for each object,
    /// with `minSyncPeriod` in between; in this order only one of both writes rules for the Service.
    pub fn apply(&self, change: &Change) -> Instant {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let updates = self.updates(change);
        self.queue(&updates)
    }

    /// Makes known what of `change` belongs to `stage`, as [`apply`](Self::apply). Returns how many objects that are.
    ///
    /// For who measures how a client follows a change: what the client would follow by itself is kept apart from it.
    pub fn stage(&self, change: &Change, stage: Stage) -> usize {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let updates: Vec<Update> =
            self.staged(change).into_iter().filter(|(of, _)| *of == stage).map(|(_, update)| update).collect();
        self.queue(&updates);
        updates.len()
    }

    /// The same at `rate` objects a second: the caller's thread waits in between. Returns when the last object was queued.
    /// A rate that is no positive number is a burst.
    pub fn apply_at(&self, change: &Change, rate: f64) -> Instant {
        if !(rate.is_finite() && rate > 0.0) {
            return self.apply(change);
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let updates = self.updates(change);
        let (start, mut done) = (Instant::now(), 0);
        let mut last = start;
        while done < updates.len() {
            // What is due by now goes together: a sleep may be late.
            let due = (start.elapsed().as_secs_f64() * rate) as usize + 1;
            let end = due.clamp(done, updates.len());
            if end > done {
                last = self.queue(&updates[done..end]);
                done = end;
            }
            if done < updates.len() {
                let next = Duration::try_from_secs_f64(done as f64 / rate).unwrap_or(Duration::MAX);
                thread::sleep(next.saturating_sub(start.elapsed()));
            }
        }
        last
    }

    /// What clients asked so far.
    #[must_use]
    pub fn served(&self) -> Served {
        self.site.served().clone()
    }

    /// Closes every connection, in the middle of whatever it carries, as when an API server dies. New ones are accepted.
    pub fn disconnect(&self) {
        if let Some(cuts) = &self.cuts {
            cuts.send_modify(|count| *count += 1);
        }
    }

    /// Queues `updates` at once. Returns when that was: no watcher saw any of them before.
    fn queue(&self, updates: &[Update]) -> Instant {
        let mut store = self.site.store();
        store.update(updates);
        Instant::now()
    }

    fn updates(&self, change: &Change) -> Vec<Update> {
        self.staged(change).into_iter().map(|(_, update)| update).collect()
    }

    fn staged(&self, change: &Change) -> Vec<(Stage, Update)> {
        updates(change, |namespace, service| self.site.store().slices(namespace, service))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cuts = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Accepts connections until the server is dropped.
async fn accept(listener: tokio::net::TcpListener, site: Arc<Site>, mut cut: watch::Receiver<u64>) {
    loop {
        // A cut is seen before the next connection is accepted: otherwise that one, made after the cut, would be cut too.
        let accepted = tokio::select! {
            biased;
            changed = cut.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Watch events are small, and each is waited for.
                let _ = stream.set_nodelay(true);
                tokio::spawn(converse(stream, Arc::clone(&site), cut.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Serves one connection until it ends or is cut.
async fn converse(stream: tokio::net::TcpStream, site: Arc<Site>, mut cut: watch::Receiver<u64>) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { route::answer(request, &site).await }
    });
    // A client may keep a connection for as long as it likes: there is no timer, and none is needed on loopback.
    let connection = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Clients close connections in the middle of a watch all the time: that is no error.
        _ = connection => {}
        _ = cut.changed() => {}
    }
}
