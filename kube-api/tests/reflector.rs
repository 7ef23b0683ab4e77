//! The crate `kube` as a client: its watcher and reflector through 10,000 changes and forced disconnects. No event is lost,
//! none comes twice.

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Config, ResourceExt};
use kube_api::{Objects, Resource, Server, Settings, Watching};
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, TrafficPolicy};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

const CHANGES: usize = 10_000;
/// After so many events, the server closes all connections.
const CUT_EVERY: usize = 300;
/// The test fails, and does not hang, when nothing comes for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client is told: whether the Service is there, its name, and the version.
type Told = (bool, String, u64);

/// Changes of single Services, chosen by a fixed sequence, and what a watcher of Services is to be told of them.
struct Changes {
    now: Arc<Cluster>,
    version: u64,
    random: u64,
    /// The next new Service.
    next: u32,
}

impl Changes {
    fn new(cluster: &Arc<Cluster>) -> Self {
        Self { now: Arc::clone(cluster), version: 1, random: 1, next: cluster.services.len() as u32 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % limit
    }

    /// All of them. The last one alters a Service, so that a list shows it.
    fn all(&mut self) -> (Vec<Change>, Vec<Told>) {
        let change = |place| {
            let kind = if place + 1 < CHANGES { self.below(3) } else { 2 };
            self.next(kind)
        };
        (0..CHANGES).map(change).unzip()
    }

    fn next(&mut self, kind: usize) -> (Change, Told) {
        let mut after = (*self.now).clone();
        let (is_there, name) = match (kind, after.services.len()) {
            (0, count) if count > 10 => {
                let place = self.below(count);
                let gone = after.services.remove(place);
                // Its slice goes after it.
                self.version += 1;
                (false, gone.name.clone())
            }
            (1, count) if count < 60 => {
                let supply: &dyn lab_core::cluster::Supply = &AddressPlan::new(1);
                let added = supply.service(self.next);
                self.next += 1;
                let name = added.name.clone();
                let place = self.below(count);
                after.services.insert(place, Arc::new(added));
                // Its slice comes before it.
                self.version += 2;
                (true, name)
            }
            (_, count) => {
                let place = self.below(count);
                let service = after.service_mut(place);
                service.internal_policy = match service.internal_policy {
                    TrafficPolicy::Local => TrafficPolicy::Cluster,
                    TrafficPolicy::Cluster => TrafficPolicy::Local,
                };
                self.version += 1;
                (true, service.name.clone())
            }
        };
        let told = (is_there, name, self.version);
        if !is_there {
            self.version += 1;
        }
        let after = Arc::new(after);
        let change = Change { before: std::mem::replace(&mut self.now, Arc::clone(&after)), after };
        (change, told)
    }
}

/// What a client saw.
struct Seen {
    told: Vec<Told>,
    lists: usize,
    errors: usize,
    store: Store<Service>,
}

fn told(is_there: bool, service: &Service) -> Told {
    (is_there, service.name_any(), service.resource_version().unwrap().parse().unwrap())
}

/// Makes the changes, and watches them until the last one's version, through disconnects.
fn watched(settings: Settings, config: watcher::Config) -> (Server, Vec<Told>, Arc<Cluster>, Seen) {
    let cluster = Arc::new(Cluster::generate(30, &AddressPlan::new(1)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start_with(listener, &Objects::of(&cluster), settings).unwrap();
    let mut changes = Changes::new(&cluster);
    let (steps, expected) = changes.all();
    let last = expected.last().unwrap().2;
    let (begin, begun) = mpsc::channel();
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            let begun = begun;
            begun.recv().unwrap();
            for step in &steps {
                server.apply(step);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(watch(&server, config, last, begin))
    });
    (server, expected, changes.now, seen)
}

async fn watch(server: &Server, config: watcher::Config, last: u64, begin: mpsc::Sender<()>) -> Seen {
    let url = format!("http://{}", server.address()).parse().unwrap();
    let client = Client::try_from(Config::new(url)).unwrap();
    let (store, writer) = reflector::store();
    let stream = reflector::reflector(writer, watcher::watcher(Api::<Service>::all(client), config));
    let mut stream = std::pin::pin!(stream);
    let mut seen = Seen { told: Vec::new(), lists: 0, errors: 0, store };
    let (mut version, mut is_listing) = (0, false);
    // While it lists, the store holds what was there before.
    while version < last || is_listing {
        let event = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an event in time").unwrap();
        match event {
            Ok(Event::Init) => (seen.lists, is_listing) = (seen.lists + 1, true),
            Ok(Event::InitApply(service)) => version = version.max(told(true, &service).2),
            Ok(Event::InitDone) => (_, is_listing) = (begin.send(()), false),
            Ok(Event::Apply(service)) => seen.told.push(told(true, &service)),
            Ok(Event::Delete(service)) => seen.told.push(told(false, &service)),
            // The next poll recovers.
            Err(_) => seen.errors += 1,
        }
        version = version.max(seen.told.last().map_or(0, |told| told.2));
        if seen.told.len() % CUT_EVERY == CUT_EVERY - 1 {
            server.disconnect();
        }
    }
    seen
}

/// The Services and their policies, as the client holds them and as they are.
fn assert_same(store: &Store<Service>, cluster: &Cluster) {
    let held: BTreeMap<String, String> = store
        .state()
        .iter()
        .map(|service| (service.name_any(), service.spec.clone().unwrap().internal_traffic_policy.unwrap()))
        .collect();
    let are = cluster.services.iter().map(|service| (service.name.clone(), format!("{:?}", service.internal_policy)));
    assert_eq!(held, are.collect());
}

/// Every event in its order, though connections broke off all the time and there was one list only.
fn assert_nothing_lost((server, expected, after, seen): (Server, Vec<Told>, Arc<Cluster>, Seen)) {
    assert_eq!(seen.lists, 1);
    let wrong = seen.told.iter().zip(&expected).position(|(told, expected)| told != expected);
    assert_eq!((wrong, seen.told.len()), (None, expected.len()));
    assert_same(&seen.store, &after);
    let asked = *server.served().of(Resource::Services).unwrap();
    assert!(asked.watches as usize > CHANGES / CUT_EVERY / 2, "{asked:?}");
}

#[test]
fn a_watcher_that_lists_first_loses_nothing() {
    let settings = Settings { watching: Watching::ListFirst, ..Settings::default() };
    assert_nothing_lost(watched(settings, watcher::Config::default().page_size(7)));
}

#[test]
fn a_watcher_that_begins_with_what_there_is_loses_nothing() {
    let settings = Settings { bookmarks: Duration::from_millis(1), ..Settings::default() };
    assert_nothing_lost(watched(settings, watcher::Config::default().streaming_lists()));
}

#[test]
fn a_reflector_that_lags_too_far_behind_lists_again_and_is_right_in_the_end() {
    let settings = Settings { history: 50, ..Settings::default() };
    let (_server, _, after, seen) = watched(settings, watcher::Config::default());
    assert!(seen.lists > 1);
    assert!(seen.told.windows(2).all(|two| two[0].2 < two[1].2), "in order, and none twice");
    assert_same(&seen.store, &after);
}
