//! Other work for every core, at a lower priority than what is measured.

use crate::process::cores;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// At equal priority it would make every run three times as long. This way it still disturbs most of a run.
const NICE: i32 = 10;

/// Keeps every core busy until it is dropped.
pub(super) struct Burner {
    out: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burner {
    pub(super) fn light() -> Self {
        let out = Arc::new(AtomicBool::new(false));
        let cores = cores::count();
        let burn = |out: Arc<AtomicBool>| {
            move || {
                // SAFETY: this only changes the priority of the calling thread.
                unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
                let mut number = 0u64;
                while !out.load(Ordering::Relaxed) {
                    number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                }
            }
        };
        let threads = (0..cores).map(|_| thread::spawn(burn(Arc::clone(&out)))).collect();
        Self { out, threads }
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        self.out.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
