//! Where tools are called: in a node's namespace; in a test, in the calling thread.

use netns_topology::{Namespace, Node};

/// Where tools are called and connections are opened.
pub(crate) trait Place: Sync {
    fn visit(&self, job: &mut (dyn FnMut() + Send));
}

impl Place for Namespace {
    fn visit(&self, job: &mut (dyn FnMut() + Send)) {
        Namespace::visit(self, job);
    }
}

impl Place for Node {
    fn visit(&self, job: &mut (dyn FnMut() + Send)) {
        Namespace::visit(self.namespace(), job);
    }
}

/// Does `job` in `place`, and returns its result.
pub(crate) fn within<T: Send>(place: &dyn Place, mut job: impl FnMut() -> T + Send) -> T {
    let mut result = None;
    place.visit(&mut || result = Some(job()));
    result.expect("a place does the job it is given")
}

/// The calling thread, wherever it is.
#[cfg(test)]
pub(crate) struct Here;

#[cfg(test)]
impl Place for Here {
    fn visit(&self, job: &mut (dyn FnMut() + Send)) {
        job();
    }
}
