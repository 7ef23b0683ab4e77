//! The hashes in kube-proxy's chain names: the first letters of the base32 of a SHA-256.

use crate::cluster::{Endpoint, ServicePort};
use crate::layout::text::Text;
use data_encoding::BASE32;
use sha2::{Digest, Sha256};

/// The first `N` letters of a base32 SHA-256: 16 in iptables mode, 8 in nftables mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash<const N: usize>([u8; N]);

impl<const N: usize> Hash<N> {
    /// Its letters.
    #[must_use]
    pub fn letters(&self) -> &[u8] {
        &self.0
    }

    fn of(hasher: Sha256) -> Self {
        let digest = hasher.finalize();
        // 5 bytes are 8 letters, without padding.
        let mut letters = [0; N];
        BASE32.encode_mut(&digest[..N / 8 * 5], &mut letters);
        Self(letters)
    }
}

/// A Service's hash. The hashes of its endpoints begin with the same input.
pub(super) struct ServiceHasher(Sha256);

impl ServiceHasher {
    /// iptables mode: `namespace/name:port` and the protocol (`portProtoHash` in `iptables/proxier.go`).
    pub(super) fn iptables(service: ServicePort<'_>) -> Self {
        Self::of(|text| text.service_name(service).put(service.protocol().name()))
    }

    /// nftables mode: `namespace/name/protocol/port` (`servicePortChainNameBase` in `nftables/proxier.go`).
    pub(super) fn nftables(service: ServicePort<'_>) -> Self {
        Self::of(|text| text.service_path(service))
    }

    fn of(write: impl FnOnce(&mut Vec<u8>) -> &mut Vec<u8>) -> Self {
        let mut text = Vec::with_capacity(128);
        write(&mut text);
        Self(Sha256::new_with_prefix(&text))
    }

    /// The Service's own hash.
    pub(super) fn service<const N: usize>(&self) -> Hash<N> {
        Hash::of(self.0.clone())
    }

    /// An endpoint's hash in iptables mode: followed by `address:port`.
    pub(super) fn iptables_endpoint(&self, endpoint: &Endpoint) -> Hash<16> {
        let mut text = Vec::with_capacity(24);
        text.endpoint(endpoint);
        Hash::of(self.0.clone().chain_update(&text))
    }

    /// An endpoint's hash in nftables mode: followed by `__address/port`.
    pub(super) fn nftables_endpoint(&self, endpoint: &Endpoint) -> Hash<8> {
        let mut text = Vec::with_capacity(24);
        text.put("__").dotted(endpoint.address).put("/").number(endpoint.port.into());
        Hash::of(self.0.clone().chain_update(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Family, Port, Service};

    fn service(namespace: &str, name: &str, port_name: &str) -> Service {
        Service {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            cluster_ips: [[172, 30, 0, 41].into()].into_iter().collect(),
            ports: vec![Port { name: port_name.to_owned(), number: 80, ..Port::default() }],
            ..Service::default()
        }
    }

    fn hasher(service: &Service, new: impl Fn(ServicePort<'_>) -> ServiceHasher) -> ServiceHasher {
        new(service.ports_of(Family::V4).next().unwrap())
    }

    fn endpoint(address: &str) -> Endpoint {
        Endpoint::ready(address.parse().unwrap())
    }

    fn letters<const N: usize>(hash: Hash<N>) -> String {
        String::from_utf8(hash.letters().to_vec()).unwrap()
    }

    #[test]
    fn hashes_of_iptables_mode_are_those_of_kube_proxys_own_tests() {
        for (namespace, name, port_name, hash) in [
            ("ns1", "svc1", "p80", "XPGD46QRK7WJZT7O"),
            ("ns4", "svc4", "p80", "4SW47YFZTEDKD3PK"),
            ("default", "kubernetes", "https", "NPX46M4PTMTKRN6Y"),
        ] {
            assert_eq!(
                letters::<16>(hasher(&service(namespace, name, port_name), ServiceHasher::iptables).service()),
                hash
            );
        }
        let hasher = hasher(&service("ns1", "svc1", "p80"), ServiceHasher::iptables);
        assert_eq!(letters(hasher.iptables_endpoint(&endpoint("10.180.0.1:80"))), "SXIVWICOYRO3J4NJ");
        assert_eq!(letters(hasher.iptables_endpoint(&endpoint("10.180.0.2:80"))), "LXVODXWDISEETFEF");
    }

    #[test]
    fn hashes_of_nftables_mode_are_those_of_kube_proxys_own_tests() {
        let hasher = hasher(&service("ns1", "svc1", "p80"), ServiceHasher::nftables);
        assert_eq!(letters::<8>(hasher.service()), "ULMVA6XW");
        assert_eq!(letters(hasher.nftables_endpoint(&endpoint("10.180.0.1:80"))), "5OJB2KTY");
        assert_eq!(letters(hasher.nftables_endpoint(&endpoint("10.180.0.2:80"))), "2ZNDXFAB");
    }

    #[test]
    fn a_port_without_a_name_is_hashed_as_kube_proxy_does() {
        let unnamed = service("default", "billing-db-9tmg", "");
        assert_eq!(letters::<8>(hasher(&unnamed, ServiceHasher::nftables).service()), "64HD5VSG");
    }
}
