//! What Kubernetes itself says of kube-proxy's modes, as of the newest release that the lab knows.

use crate::vocabulary::BackendName;

/// What upstream says of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The mode's name in kube-proxy's configuration.
    pub mode: &'static str,
    /// What is said of it, after "… mode is".
    pub said: &'static str,
    /// Where that stands.
    pub source: &'static str,
}

/// The release of Kubernetes that this is of.
pub const AS_OF: &str = "1.37";

/// What upstream says of the mode of `backend`; `None` for `direct`, which is none.
#[must_use]
pub fn standing(backend: BackendName) -> Option<Standing> {
    let (mode, said, source) = match backend {
        BackendName::Direct => return None,
        BackendName::IptablesLegacy | BackendName::IptablesNft => {
            ("iptables", "the default on Linux", "kube-proxy --help")
        }
        BackendName::Ipvs => ("ipvs", "deprecated since 1.35, to be removed", "KEP-5495"),
        BackendName::Nftables => {
            ("nftables", "stable since 1.33, and what upstream recommends instead of ipvs", "KEP-3866")
        }
    };
    Some(Standing { mode, said, source })
}
