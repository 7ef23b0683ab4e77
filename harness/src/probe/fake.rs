//! A lab and its driver in one: they write down what they are asked to do, and do as a script says.

use crate::activity::open_loop::Answer;
use crate::cell_error::CellError;
use crate::driver::{Cost, Driver, Loaded, Operation, Steps};
use crate::lab::binding::{Answers, Binding, Bound};
use crate::lab::goal::Substitute;
use crate::lab::traffic::Dialed;
use crate::lab::unanswered::Unanswered;
use crate::lab::{Added, Amount, Course, Crowd, Datagrams, Dial, Failure, Held, Lab, Stream};
use crate::tool::place::{Here, Place};
use crate::tool::{Ending, Runner, ToolRun};
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, Supply};
use lab_core::layout::Tool;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Origin};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whether the nth time (from 1) that something is done succeeds.
pub(crate) trait Script: Fn(&str, usize) -> Result<(), CellError> + Send + Sync + 'static {}

impl<F: Fn(&str, usize) -> Result<(), CellError> + Send + Sync + 'static> Script for F {}

pub(crate) struct Fake {
    script: Box<dyn Script>,
    done: Mutex<Vec<&'static str>>,
    pub(crate) cluster: Arc<Cluster>,
    addresses: AddressPlan,
    /// What calls a tool for everything it does.
    tools: Option<&'static dyn Runner>,
    course: Course,
    endpoints: Vec<SocketAddr>,
    /// How iperf3 ends, and what it says.
    iperf3: (Ending, &'static str),
    /// The time that iperf3 was given.
    pub(crate) limit: Mutex<Duration>,
}

impl Fake {
    pub(crate) fn of(script: impl Script) -> Self {
        let addresses = AddressPlan::new(2);
        let cluster = Arc::new(Cluster::generate(4, &addresses));
        let iperf3 = (Ending::Exited(0), r#"{"end": {"sum_received": {"bits_per_second": 1.5e9}}}"#);
        Self {
            script: Box::new(script),
            done: Mutex::default(),
            cluster,
            addresses,
            tools: None,
            course: Course::default(),
            endpoints: vec![SocketAddr::from(([10, 96, 0, 11], 80))],
            iperf3,
            limit: Mutex::default(),
        }
    }

    /// With an iperf3 that ends so, and says that.
    pub(crate) fn with_iperf3(self, ending: Ending, report: &'static str) -> Self {
        Self { iperf3: (ending, report), ..self }
    }

    /// With a tool for everything it does, named after that.
    pub(crate) fn with_tools(self, runner: &'static dyn Runner) -> Self {
        Self { tools: Some(runner), ..self }
    }

    /// What was done, in its order.
    pub(crate) fn done(&self) -> String {
        self.done.lock().unwrap().join(" ")
    }

    fn does(&self, what: &'static str) -> Result<(), CellError> {
        if let Some(runner) = self.tools {
            runner.run(what, &[], b"", Duration::MAX)?;
        }
        let mut done = self.done.lock().unwrap();
        done.push(what);
        (self.script)(what, done.iter().filter(|other| **other == what).count())
    }
}

/// Of two parts, 3 and 2 ms.
fn cost() -> Cost {
    let mut cost = Cost { user: Duration::from_millis(1), peak_rss: 7, ..Cost::default() };
    cost.add(Metric::SyncRules, Duration::from_millis(3));
    cost.add(Metric::SyncSets, Duration::from_millis(2));
    cost
}

impl Driver for Fake {
    fn prepare(&self, _: &dyn Place) -> Result<(), CellError> {
        self.does("prepare")
    }

    fn load(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Loaded, CellError> {
        self.does("load").map(|()| Loaded { cost: cost(), counts: vec![(Metric::ScriptBytes, 9.0)] })
    }

    fn quick_install(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<(), CellError> {
        self.does("quick_install")
    }

    fn steps<'a>(&'a self, change: &Change) -> Box<dyn Steps + 'a> {
        let there = change.before == self.cluster;
        Box::new(FakeSteps { fake: self, take: if there { "apply" } else { "restore" } })
    }

    fn undo(&self, _: &dyn Place, _: &Change, _: Duration) -> Result<(), CellError> {
        self.does("undo")
    }

    fn append(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Cost, CellError> {
        self.does("append").map(|()| cost())
    }

    fn build_one_by_one(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Loaded, CellError> {
        self.does("build").map(|()| Loaded { cost: cost(), counts: vec![(Metric::BuildCalls, 9.0)] })
    }

    fn fail(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Cost, CellError> {
        self.does("fail").map(|()| cost())
    }

    fn take_away(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<(), CellError> {
        self.does("take_away")
    }

    fn flush(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<(), CellError> {
        self.does("flush")
    }

    fn count(&self, _: &dyn Place, _: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        self.does("count").map(|()| vec![(Metric::Rules, 47.0)])
    }

    fn verify(&self, _: &dyn Place) -> Result<(), CellError> {
        self.does("verify")
    }

    fn restart(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Cost, CellError> {
        let own = vec![(Metric::DriverSync, 4.0), (Metric::ToolRuns, 6.0)];
        self.does("restart").map(|()| Cost { peak_rss: 0, own, ..cost() })
    }

    fn resync(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Cost, CellError> {
        self.does("resync").map(|()| cost())
    }

    fn idle(&self, _: &dyn Place) -> Result<Vec<(Metric, f64)>, CellError> {
        self.does("idle").map(|()| vec![(Metric::IdleCpu, 0.01), (Metric::DriverCpu, 9.0)])
    }

    fn start(&self, _: &dyn Place, _: Operation<'_>) -> Result<Option<Cost>, CellError> {
        self.does("start").map(|()| Some(cost()))
    }
}

struct FakeSteps<'a> {
    fake: &'a Fake,
    take: &'static str,
}

impl Steps for FakeSteps<'_> {
    fn take(&self, _: &dyn Place, _: Duration) -> Result<Cost, CellError> {
        self.fake.does(self.take).map(|()| cost())
    }

    fn clean_up(&self, _: &dyn Place, _: Duration) -> Result<(), CellError> {
        self.fake.does("clean_up")
    }
}

impl Lab for Fake {
    fn driver(&self) -> &dyn Driver {
        self
    }

    fn node(&self) -> &dyn Place {
        &Here
    }

    fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    fn supply(&self) -> &dyn Supply {
        &self.addresses
    }

    fn full_load(&self, limit: Duration) -> Result<Loaded, CellError> {
        self.install(&Here, &self.cluster, limit)
    }

    fn build_one_by_one(&self, limit: Duration) -> Result<Loaded, CellError> {
        Driver::build_one_by_one(self, &Here, &self.cluster, limit)
    }

    fn load_after_failure(&self, limit: Duration) -> Result<(Failure, Loaded), CellError> {
        self.prepare(&Here)?;
        let failure = Failure { cost: self.fail(&Here, &self.cluster, limit)?, memory: 4096 };
        let mut loaded = self.load(&Here, &self.cluster, limit)?;
        loaded.counts.extend(self.count(&Here, &self.cluster)?);
        self.verify(&Here)?;
        Ok((failure, loaded))
    }

    fn bind(&self, _: Binding, _: Duration) -> Result<Bound, CellError> {
        let (all, unbind) = (Duration::from_millis(9), Duration::from_millis(8));
        let more = vec![Duration::from_micros(7); 5];
        let answers = Answers { arp: 2, arp_strict: 1, ping: 2, stray: 1 };
        self.does("bind").map(|()| Bound { all, accounts: None, more, unbind, memory: 4096, answers })
    }

    fn course(&self) -> &Course {
        &self.course
    }

    fn backend(&self) -> BackendName {
        BackendName::Nftables
    }

    fn call(&self, _: Tool, _: &[String], _: &[u8], _: Duration) -> Result<ToolRun, CellError> {
        self.does("call").map(|()| ToolRun::of(Ending::Exited(0)))
    }

    fn crowd(&self) -> Result<Crowd<'_>, CellError> {
        self.does("gather").map(|()| Crowd::of(&Here, &Here))
    }

    fn is_served_with(&self, _: &Cell, _: &Cell) -> bool {
        false
    }

    fn client(&self, _: Origin) -> &dyn Place {
        &Here
    }

    fn ask_changed(&self, _: &Change) -> Result<(), CellError> {
        self.does("ask")
    }

    fn added<'a>(&'a self, _: &'a Change) -> Result<Option<Added<'a>>, CellError> {
        Ok(None)
    }

    fn dial(&self, _: &Cell) -> Result<Box<dyn Dial + '_>, CellError> {
        self.does("serve").map(|()| Box::new(FakeTraffic(self)) as Box<dyn Dial>)
    }

    fn dial_changed<'a>(&'a self, _: &'a Change) -> Result<Box<dyn Dial + 'a>, CellError> {
        self.does("serve").map(|()| Box::new(FakeTraffic(self)) as Box<dyn Dial>)
    }

    fn datagrams(&self, _: &Change) -> Result<Box<dyn Datagrams + '_>, CellError> {
        self.does("serve").map(|()| Box::new(FakeTraffic(self)) as Box<dyn Datagrams>)
    }

    fn stream(&self, _: &Cell) -> Result<Box<dyn Stream + '_>, CellError> {
        self.does("serve").map(|()| Box::new(FakeTraffic(self)) as Box<dyn Stream>)
    }
}

struct FakeTraffic<'a>(&'a Fake);

impl Dial for FakeTraffic<'_> {
    fn attempt(&self, _: usize, established: &mut dyn FnMut()) -> Result<Dialed, Unanswered> {
        self.0.does("dial")?;
        established();
        let [connect, first_byte] = [2, 5].map(Duration::from_micros);
        Ok(Dialed { connect, first_byte, reached: Some(self.address()) })
    }

    fn attempt_from(&self, _: SocketAddr) -> Result<Dialed, Unanswered> {
        self.attempt(0, &mut || {})
    }

    fn endpoints(&self) -> &[SocketAddr] {
        &self.0.endpoints
    }

    fn substitute(&self) -> Option<Substitute> {
        let coming = SocketAddr::from(([10, 96, 0, 12], 80));
        Some(Substitute { leaving: self.0.endpoints[0], coming })
    }

    fn hold(&self) -> Result<Box<dyn Held + '_>, Unanswered> {
        self.0.does("hold")?;
        Ok(Box::new(Self(self.0)))
    }
}

impl Datagrams for FakeTraffic<'_> {
    fn ask(&self) -> Result<bool, CellError> {
        self.0.does("send").map(|()| true)
    }

    fn send(&self) -> Result<bool, CellError> {
        self.0.does("send").map(|()| false)
    }

    fn leave(&self) {}

    fn come_back(&self) {}
}

impl Held for FakeTraffic<'_> {
    fn ask(&mut self) -> Result<Answer, CellError> {
        self.0.does("ask").map(|()| Answer::Given)
    }

    fn reached(&self) -> Option<SocketAddr> {
        self.0.endpoints.first().copied()
    }

    fn close(self: Box<Self>) -> Result<SocketAddr, CellError> {
        self.0.does("close").map(|()| SocketAddr::from(([10, 128, 0, 2], 40_000)))
    }
}

impl Stream for FakeTraffic<'_> {
    fn address(&self) -> SocketAddr {
        SocketAddr::from(([10, 96, 0, 11], 80))
    }

    fn send(&self, _: Amount, limit: Duration) -> Result<ToolRun, CellError> {
        *self.0.limit.lock().unwrap() = limit;
        let (ending, stdout) = self.0.iperf3;
        self.0.does("send").map(|()| ToolRun { stdout: stdout.to_owned(), ..ToolRun::of(ending) })
    }
}
