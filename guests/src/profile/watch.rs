//! What a guest that is profiled is started with.

use crate::port::Wanted;
use std::fs::File;

/// What is watched of one guest.
pub struct Watch {
    pub(crate) plugin: File,
    pub(crate) counts: File,
    pub(crate) wanted: Wanted,
}
