//! The Debian suites whose stock kernels guests boot.

use std::fmt;

/// A suite by the name under which its kernel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// bookworm.
    Debian12,
    /// bookworm with the kernel of the release after it.
    Debian12Backports,
    /// trixie.
    Debian13,
    /// The newest kernel that Debian has.
    DebianSid,
}

impl Suite {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[Self::Debian12, Self::Debian12Backports, Self::Debian13, Self::DebianSid];

    /// How it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian12 => "debian-12",
            Self::Debian12Backports => "debian-12-backports",
            Self::Debian13 => "debian-13",
            Self::DebianSid => "debian-sid",
        }
    }

    /// The one called `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.name() == name)
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl Suite {
    /// What the suite is called on a mirror's main archive, with its updates.
    pub(super) fn on_main(self) -> &'static str {
        match self {
            Self::Debian12 => "bookworm bookworm-updates",
            // Alone: with bookworm beside it, apt would not prefer it without being told so.
            Self::Debian12Backports => "bookworm-backports",
            Self::Debian13 => "trixie trixie-updates",
            Self::DebianSid => "sid",
        }
    }

    /// What it is called on the security archive, if it is there.
    pub(super) fn on_security(self) -> Option<&'static str> {
        match self {
            Self::Debian12 => Some("bookworm-security"),
            Self::Debian13 => Some("trixie-security"),
            Self::Debian12Backports | Self::DebianSid => None,
        }
    }
}
