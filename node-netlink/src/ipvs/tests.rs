use super::*;
use crate::message::messages;
use proptest::prelude::*;

fn key(protocol: Protocol, address: &str) -> ServerKey {
    ServerKey { protocol, address: address.parse().unwrap() }
}

fn v4() -> VirtualServer {
    let key = key(Protocol::Tcp, "10.96.0.11:80");
    VirtualServer { key, scheduler: Scheduler::RoundRobin, persistence: None }
}

fn v6() -> VirtualServer {
    let key = key(Protocol::Udp, "[fd00::1]:53");
    let persistence = Some(Duration::from_secs(10_800));
    VirtualServer { key, scheduler: Scheduler::LocalityLeastConnectionReplicated, persistence }
}

fn real(address: &str, forwarding: Forwarding, weight: u32) -> RealServer {
    RealServer { address: address.parse().unwrap(), forwarding, weight }
}

fn written(command: Command, attributes: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    payload(&mut writer, command, attributes);
    writer.bytes().to_vec()
}

fn written_service(server: &VirtualServer) -> Vec<u8> {
    written(Command::NewService, |writer| writer.nested(SERVICE, |writer| service(writer, server)))
}

fn written_dest(server: &RealServer) -> Vec<u8> {
    written(Command::NewDest, |writer| writer.nested(DEST, |writer| dest(writer, server)))
}

#[test]
#[cfg(target_endian = "little")]
fn an_ipv4_virtual_server_is_laid_out_byte_by_byte() {
    let expected = [
        &[1, 1, 0, 0][..],
        &[84, 0, 1, 0x80],
        &[6, 0, 1, 0, 2, 0, 0, 0],
        &[6, 0, 2, 0, 6, 0, 0, 0],
        &[20, 0, 3, 0, 10, 96, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[6, 0, 4, 0, 0, 80, 0, 0],
        &[7, 0, 6, 0, b'r', b'r', 0, 0],
        &[12, 0, 7, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &[8, 0, 8, 0, 0, 0, 0, 0],
        &[8, 0, 9, 0, 0xff, 0xff, 0xff, 0xff],
    ];
    assert_eq!(written_service(&v4()), expected.concat());
}

#[test]
#[cfg(target_endian = "little")]
fn an_ipv6_virtual_server_is_laid_out_byte_by_byte() {
    let expected = [
        &[1, 1, 0, 0][..],
        &[88, 0, 1, 0x80],
        &[6, 0, 1, 0, 10, 0, 0, 0],
        &[6, 0, 2, 0, 17, 0, 0, 0],
        &[20, 0, 3, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[6, 0, 4, 0, 0, 53, 0, 0],
        &[10, 0, 6, 0, b'l', b'b', b'l', b'c', b'r', 0, 0, 0],
        &[12, 0, 7, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &[8, 0, 8, 0, 0x30, 0x2a, 0, 0],
        &[8, 0, 9, 0, 128, 0, 0, 0],
    ];
    assert_eq!(written_service(&v6()), expected.concat());
}

#[test]
#[cfg(target_endian = "little")]
fn real_servers_are_laid_out_byte_by_byte() {
    let expected = [
        &[5, 1, 0, 0][..],
        &[72, 0, 2, 0x80],
        &[20, 0, 1, 0, 10, 192, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[6, 0, 2, 0, 0x1f, 0x90, 0, 0],
        &[6, 0, 11, 0, 2, 0, 0, 0],
        &[8, 0, 3, 0, 0, 0, 0, 0],
        &[8, 0, 4, 0, 1, 0, 0, 0],
        &[8, 0, 5, 0, 0, 0, 0, 0],
        &[8, 0, 6, 0, 0, 0, 0, 0],
    ];
    assert_eq!(written_dest(&real("10.192.0.1:8080", Forwarding::Masquerading, 1)), expected.concat());
    let expected = [
        &[5, 1, 0, 0][..],
        &[72, 0, 2, 0x80],
        &[20, 0, 1, 0, 0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        &[6, 0, 2, 0, 0, 53, 0, 0],
        &[6, 0, 11, 0, 10, 0, 0, 0],
        &[8, 0, 3, 0, 2, 0, 0, 0],
        &[8, 0, 4, 0, 100, 0, 0, 0],
        &[8, 0, 5, 0, 0, 0, 0, 0],
        &[8, 0, 6, 0, 0, 0, 0, 0],
    ];
    assert_eq!(written_dest(&real("[fd01::2]:53", Forwarding::Tunnel, 100)), expected.concat());
}

#[test]
fn maglev_hashes_the_port_as_kube_proxy_has_it() {
    let server = VirtualServer { scheduler: Scheduler::MaglevHashing, ..v6() };
    assert_eq!(service_flags(&server), 0x11);
}

#[test]
fn a_virtual_server_outside_the_lab_s_words_is_not_read() {
    let mut bytes = written_service(&v4());
    let name = bytes.windows(3).position(|window| window == b"rr\0").unwrap();
    bytes[name] = b'q';
    assert_eq!(read_service(&bytes), None);
}

fn any_virtual_server() -> impl Strategy<Value = VirtualServer> {
    let protocol = proptest::sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    let scheduler = proptest::sample::select(Scheduler::ALL);
    (protocol, any::<SocketAddr>().prop_map(plain), scheduler, any::<Option<u32>>()).prop_map(
        |(protocol, address, scheduler, seconds)| VirtualServer {
            key: ServerKey { protocol, address },
            scheduler,
            persistence: seconds.map(|seconds| Duration::from_secs(seconds.into())),
        },
    )
}

fn any_real_server() -> impl Strategy<Value = RealServer> {
    let forwarding = proptest::sample::select(Forwarding::ALL);
    (any::<SocketAddr>().prop_map(plain), forwarding, any::<u32>())
        .prop_map(|(address, forwarding, weight)| RealServer { address, forwarding, weight })
}

/// Without an IPv6 address's flow and scope, which IPVS lacks.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

proptest! {
    #[test]
    fn servers_are_read_back_as_they_were_written(server in any_virtual_server(), real in any_real_server()) {
        prop_assert_eq!(read_service(&written_service(&server)), Some(server));
        prop_assert_eq!(read_dest(&written_dest(&real)), Some(real));
    }

    #[test]
    fn a_cut_off_server_is_none(server in any_virtual_server(), real in any_real_server(), cut in 0_usize..72) {
        prop_assert_eq!(read_service(&written_service(&server)[..cut]), None);
        prop_assert_eq!(read_dest(&written_dest(&real)[..cut]), None);
    }

    #[test]
    fn anything_at_all_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_service(&bytes);
        let _ = read_dest(&bytes);
        prop_assert!(messages(&bytes).flatten().all(|message| read_service(message.payload).is_none()));
    }
}
