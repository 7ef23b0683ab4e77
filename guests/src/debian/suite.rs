//! The Debian suites that guests are made of.

use std::fmt;

/// A Debian suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// bookworm.
    Debian12,
    /// bookworm with the kernel of the next release.
    Debian12Backports,
    /// trixie.
    Debian13,
    /// The newest kernel that Debian has.
    DebianSid,
}

impl Suite {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[Self::Debian12, Self::Debian12Backports, Self::Debian13, Self::DebianSid];

    /// Its name, such as `debian-12`.
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
    /// Its names on a mirror's main archive, updates included.
    pub(super) fn on_main(self) -> &'static str {
        match self {
            Self::Debian12 => "bookworm bookworm-updates",
            // Alone: beside bookworm, apt would prefer bookworm's kernel.
            Self::Debian12Backports => "bookworm-backports",
            Self::Debian13 => "trixie trixie-updates",
            Self::DebianSid => "sid",
        }
    }

    /// Its name on the security archive, if it is there.
    pub(super) fn on_security(self) -> Option<&'static str> {
        match self {
            Self::Debian12 => Some("bookworm-security"),
            Self::Debian13 => Some("trixie-security"),
            Self::Debian12Backports | Self::DebianSid => None,
        }
    }
}
