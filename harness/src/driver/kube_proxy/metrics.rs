//! What kube-proxy says of its syncs, at its metrics endpoint.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The port of kube-proxy's metrics, its default.
pub(super) const PORT: u16 = 10249;
/// Time for an answer. kube-proxy answers while it syncs, too.
const PATIENCE: Duration = Duration::from_secs(10);

/// No later sync computes for longer, whatever the first one took.
const LONGEST: Duration = Duration::from_secs(2);

/// How long syncs took, in seconds.
const DURATION: &str = "kubeproxy_sync_proxy_rules_duration_seconds_sum";
/// How many syncs there were, failed ones included.
const COUNT: &str = "kubeproxy_sync_proxy_rules_duration_seconds_count";
/// When the last good sync was over, in seconds since 1970.
const LAST: &str = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";

/// The syncs so far of one proxier: one a family or, in old releases, one for all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Syncs {
    /// How many, failed ones included.
    pub(super) count: u64,
    /// How long all of them took.
    pub(super) took: Duration,
    /// When the last good one was over, since 1970; zero without any.
    pub(super) last: Duration,
}

/// The syncs so far, by family (`IPv4`, `IPv6`); under an empty name where a release does not tell them apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Metrics {
    pub(super) syncs: BTreeMap<String, Syncs>,
}

impl Metrics {
    /// Asks kube-proxy in the calling thread's network namespace.
    ///
    /// # Errors
    /// If nobody answers.
    pub(super) fn read() -> std::io::Result<Self> {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(Self::of(&String::from_utf8_lossy(&answer)))
    }

    /// Reads Prometheus's text format, as far as syncs are in it.
    fn of(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let Ok(value) = value.parse::<f64>() else { continue };
            let family = labels.split_once("ip_family=\"").map_or("", |(_, rest)| rest.split('"').next().unwrap_or(""));
            let seconds = || Duration::try_from_secs_f64(value).unwrap_or_default();
            if !matches!(name, DURATION | COUNT | LAST) {
                continue;
            }
            let syncs = metrics.syncs.entry(family.to_owned()).or_default();
            match name {
                DURATION => syncs.took = seconds(),
                LAST => syncs.last = seconds(),
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of syncs")]
                _ => syncs.count = value as u64,
            }
        }
        metrics
    }

    /// Syncs of all families.
    pub(super) fn count(&self) -> u64 {
        self.syncs.values().map(|syncs| syncs.count).sum()
    }

    /// How long the syncs took that came after `earlier`.
    pub(super) fn took_since(&self, earlier: &Self) -> Duration {
        let took = |metrics: &Self| metrics.syncs.values().map(|syncs| syncs.took).sum::<Duration>();
        took(self).saturating_sub(took(earlier))
    }

    /// How long a sync takes, about: the mean of the slowest proxier's, up to two seconds.
    pub(super) fn longest(&self) -> Duration {
        let mean = |syncs: &Syncs| syncs.took / u32::try_from(syncs.count.max(1)).unwrap_or(u32::MAX);
        self.syncs.values().map(mean).max().unwrap_or_default().min(LONGEST)
    }

    /// When the last good sync was over, since 1970.
    pub(super) fn last(&self) -> Duration {
        self.syncs.values().map(|syncs| syncs.last).max().unwrap_or_default()
    }

    /// Whether a good sync was over after `moment` (since 1970) for each of `families`, or for every one there is if none
    /// is named. Where families are not told apart, any sync will do.
    pub(super) fn synced_since(&self, moment: Duration, families: &[&str]) -> bool {
        let is_named = |name: &&String| name.is_empty() || families.is_empty() || families.contains(&name.as_str());
        let asked = || self.syncs.iter().filter(|(name, _)| is_named(name));
        asked().count() >= families.len().min(self.syncs.len()) && asked().all(|(_, syncs)| syncs.last > moment)
    }

    /// When the first sync began and when it was over, if there was one of each proxier; since 1970.
    pub(super) fn first(&self) -> Option<(Duration, Duration)> {
        if self.syncs.is_empty() || self.syncs.values().any(|syncs| syncs.count == 0 || syncs.last.is_zero()) {
            return None;
        }
        let begun = self.syncs.values().map(|syncs| syncs.last.saturating_sub(syncs.took)).min()?;
        Some((begun, self.last()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_read_by_family_and_without() {
        let text = "# HELP x\nkubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"} 0.5\n\
                    kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 2\n\
                    kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1.7959694292442894e+09\n\
                    kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv6\"} 1\n";
        let metrics = Metrics::of(text);
        assert_eq!(metrics.count(), 3);
        assert_eq!(metrics.syncs["IPv4"].took, Duration::from_millis(500));
        assert!(metrics.synced_since(Duration::from_secs(1_795_969_429), &["IPv4"]));
        assert!(!metrics.synced_since(Duration::from_secs(1_795_969_429), &["IPv4", "IPv6"]));
        assert!(!metrics.synced_since(Duration::from_secs(1_795_969_429), &[]));
        assert!(!metrics.synced_since(Duration::from_secs(1_795_969_430), &["IPv4"]));
        assert_eq!(metrics.first(), None);
        assert_eq!(metrics.longest(), Duration::from_millis(250));
        let old = Metrics::of(
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds 100\n\
                               kubeproxy_sync_proxy_rules_duration_seconds_count 1\n\
                               kubeproxy_sync_proxy_rules_duration_seconds_sum 0.25\n",
        );
        assert!(old.synced_since(Duration::from_secs(99), &["IPv4", "IPv6"]));
        assert_eq!(old.first(), Some((Duration::from_millis(99_750), Duration::from_secs(100))));
    }
}
