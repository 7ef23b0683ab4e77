//! Which layouts a run installs, out of those that it asks for.

use super::{BackendName, LayoutName, Unknown, Word};
use crate::foreign::quoted;

impl LayoutName {
    /// Those of `asked` that `backend` has. If it has none of them, its newest that is not newer than all of them; none
    /// if all of its own are newer. If nothing is asked for, its default.
    #[must_use]
    pub fn among(backend: BackendName, asked: &[Self]) -> Vec<Self> {
        let known = Self::of(backend);
        if asked.is_empty() || backend == BackendName::Direct {
            return vec![known[0]];
        }
        let found: Vec<Self> = asked.iter().copied().filter(|layout| known.contains(layout)).collect();
        if !found.is_empty() {
            return found;
        }
        let newest = asked.iter().max();
        known.iter().copied().filter(|layout| Some(layout) <= newest).max().into_iter().collect()
    }

    /// Finds the layout called `name`, if some backend has it.
    ///
    /// # Errors
    /// If none has it. The message names the known ones, and the one of the nearest release.
    pub fn choose(name: &str) -> Result<Self, String> {
        let installed = |layout: &Self| {
            *layout != Self::None && BackendName::ALL.iter().any(|&backend| Self::of(backend).contains(layout))
        };
        let known: Vec<Self> = Self::ALL.iter().copied().filter(installed).collect();
        if let Some(found) = known.iter().find(|layout| layout.name() == name) {
            return Ok(*found);
        }
        let minor = |name: &str| name.rsplit_once("1.")?.1.split('.').next()?.parse::<u32>().ok();
        let nearest = minor(name)
            .and_then(|asked| {
                let apart = |layout: &Self| minor(layout.name()).map(|own| (own.abs_diff(asked), *layout));
                known.iter().filter_map(apart).min()
            })
            .map(|(_, nearest)| nearest);
        let names: Vec<&str> = known.iter().map(|layout| layout.name()).collect();
        Err(match nearest {
            Some(nearest) => {
                format!(
                    "unknown layout {name}; known: {}; the nearest release is {nearest}",
                    names.join(", "),
                    name = quoted(name)
                )
            }
            None => Unknown::new("layout", name, names.into_iter()).to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_release_is_told_the_known_ones_and_the_nearest() {
        assert_eq!(LayoutName::choose("kube-proxy-1.30"), Ok(LayoutName::KubeProxy130));
        let said = LayoutName::choose("kube-proxy-1.31").unwrap_err();
        assert!(said.starts_with("unknown layout \"kube-proxy-1.31\"; known: "), "{said}");
        assert!(said.ends_with("; the nearest release is kube-proxy-1.30"), "{said}");
        assert!(LayoutName::choose("none").is_err());
        assert!(LayoutName::choose("kubeproxy").is_err());
    }

    #[test]
    fn a_backend_without_the_release_takes_its_newest_one_before_it() {
        let among = |backend, asked| LayoutName::among(backend, &[asked]);
        assert_eq!(among(BackendName::Ipvs, LayoutName::KubeProxy137), [LayoutName::KubeProxy130]);
        assert_eq!(among(BackendName::Nftables, LayoutName::KubeProxy120), []);
        assert_eq!(among(BackendName::Direct, LayoutName::KubeProxy130), [LayoutName::None]);
        assert_eq!(LayoutName::among(BackendName::Ipvs, &[]), [LayoutName::of(BackendName::Ipvs)[0]]);
    }
}
