//! What a machine on the same wire asks: whose address this is (ARP), and whether it answers (ping).

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// How long an answer may take. On one machine it takes microseconds.
const PATIENCE: Duration = Duration::from_millis(300);
/// A pod's only device.
const DEVICE: &str = "eth0";
/// Ethernet's number for ARP.
const ARP: u16 = 0x0806;
/// The bytes of an Ethernet header, and of an ARP packet for IPv4.
const ETHERNET: usize = 14;
const ARP_PACKET: usize = 28;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
/// Types of ICMP messages, and the identifier that is asked with.
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const IDENTIFIER: [u8; 2] = [0x5c, 0x1a];

/// Whether somebody on the wire says that `address` is theirs. The calling thread is in a pod.
///
/// # Errors
/// If it cannot be asked.
pub(super) fn answers_arp(address: Ipv4Addr) -> Result<bool> {
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(ARP.to_be()))))
        .context("opening a socket for ARP")?;
    let (index, hardware) = device(&socket)?;
    let own = own_address(address)?;
    let to = packet_address(index);
    socket.send_to(&request(hardware, own, address), &to).with_context(|| format!("asking whose {address} is"))?;
    wait(&socket, |frame| is_reply(frame, address))
}

/// Whether `address` answers a ping from the calling thread's namespace.
///
/// # Errors
/// If it cannot be asked.
pub(super) fn answers_ping(address: Ipv4Addr) -> Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).context("opening a socket for ping")?;
    let to = SockAddr::from(SocketAddrV4::new(address, 0));
    match socket.send_to(&echo_request(), &to) {
        Ok(_) => wait(&socket, |packet| is_echo_reply(packet, address)),
        Err(error) if matches!(error.kind(), ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("pinging {address}")),
    }
}

/// Whether a packet comes in time that is `the_one`.
fn wait(socket: &Socket, the_one: impl Fn(&[u8]) -> bool) -> Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [MaybeUninit::new(0_u8); 1500];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match socket.recv(&mut buffer) {
            Ok(length) => {
                // SAFETY: the buffer was initialised, and the kernel wrote the first `length` bytes anew.
                let packet: Vec<u8> = buffer[..length].iter().map(|byte| unsafe { byte.assume_init() }).collect();
                if the_one(&packet) {
                    return Ok(true);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("waiting for an answer"),
        }
    }
}

/// The index and the hardware address of the pod's device.
fn device(socket: &Socket) -> Result<(i32, [u8; 6])> {
    // SAFETY: zero is a value of every field.
    let mut asked: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in asked.ifr_name.iter_mut().zip(DEVICE.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: both requests read the name and write their answer into `asked`, which lives meanwhile.
    let index = unsafe {
        ensure!(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFINDEX, &mut asked) == 0, "{DEVICE} has no index");
        asked.ifr_ifru.ifru_ifindex
    };
    // SAFETY: as above.
    let hardware = unsafe {
        ensure!(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, &mut asked) == 0, "{DEVICE} has no address");
        asked.ifr_ifru.ifru_hwaddr.sa_data
    };
    Ok((index, std::array::from_fn(|place| hardware[place] as u8)))
}

/// The address that packets to `address` leave from.
fn own_address(address: Ipv4Addr) -> Result<Ipv4Addr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((address, 9)).with_context(|| format!("looking for a route to {address}"))?;
    match socket.local_addr()?.ip() {
        std::net::IpAddr::V4(own) => Ok(own),
        std::net::IpAddr::V6(own) => anyhow::bail!("{own} is no IPv4 address"),
    }
}

/// Everybody on the wire of the device `index`.
fn packet_address(index: i32) -> SockAddr {
    // SAFETY: zero is a value of every field, and what is written fits into the storage.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            let mut link: libc::sockaddr_ll = std::mem::zeroed();
            link.sll_family = libc::AF_PACKET as u16;
            link.sll_protocol = ARP.to_be();
            link.sll_ifindex = index;
            link.sll_halen = 6;
            link.sll_addr[..6].fill(0xff);
            storage.cast::<libc::sockaddr_ll>().write(link);
            *length = std::mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            Ok(())
        })
    }
    .expect("nothing in it fails");
    address
}

/// `Who has address? Tell own`, in an Ethernet frame to everybody.
fn request(hardware: [u8; 6], own: Ipv4Addr, address: Ipv4Addr) -> Vec<u8> {
    let [high, low] = ARP.to_be_bytes();
    let mut frame = Vec::with_capacity(ETHERNET + ARP_PACKET);
    frame.extend([0xff; 6]);
    frame.extend(hardware);
    frame.extend([high, low]);
    // Ethernet, IPv4, the lengths of their addresses, and what this is.
    frame.extend([0, 1, 8, 0, 6, 4, 0, REQUEST]);
    frame.extend(hardware);
    frame.extend(own.octets());
    frame.extend([0; 6]);
    frame.extend(address.octets());
    frame
}

/// Whether `frame` says whose `address` is.
fn is_reply(frame: &[u8], address: Ipv4Addr) -> bool {
    let packet = frame.get(ETHERNET..ETHERNET + ARP_PACKET);
    packet.is_some_and(|packet| packet[6..8] == [0, REPLY] && packet[14..18] == address.octets())
}

fn echo_request() -> [u8; 8] {
    let mut message = [ECHO_REQUEST, 0, 0, 0, IDENTIFIER[0], IDENTIFIER[1], 0, 1];
    // The ones' complement of the ones' complement sum (RFC 1071).
    let sum: u32 = message.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    message[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    message
}

/// Whether an IPv4 `packet` is the answer to a ping of `address`.
fn is_echo_reply(packet: &[u8], address: Ipv4Addr) -> bool {
    let Some(header) = packet.first().map(|first| usize::from(first & 0xf) * 4) else { return false };
    let (Some(from), Some(message)) = (packet.get(12..16), packet.get(header..header + 8)) else { return false };
    from == address.octets() && message[0] == ECHO_REPLY && message[4..6] == IDENTIFIER
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 2);
    const ASKED: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 11);

    #[test]
    fn only_a_reply_about_the_address_is_an_answer() {
        let asked = request([2; 6], OWN, ASKED);
        assert_eq!(asked.len(), ETHERNET + ARP_PACKET);
        assert!(!is_reply(&asked, ASKED));
        // The answer comes from the address that was asked for.
        let mut reply = request([4; 6], ASKED, OWN);
        reply[ETHERNET + 7] = REPLY;
        assert!(is_reply(&reply, ASKED));
        assert!(!is_reply(&reply, OWN));
        assert!(!is_reply(&reply[..40], ASKED));
    }

    #[test]
    fn only_an_echo_reply_from_the_address_is_an_answer() {
        let mut packet = vec![0x45; 20];
        packet[12..16].copy_from_slice(&ASKED.octets());
        packet.extend(echo_request());
        assert!(!is_echo_reply(&packet, ASKED));
        packet[20] = ECHO_REPLY;
        assert!(is_echo_reply(&packet, ASKED));
        assert!(!is_echo_reply(&packet, OWN));
        assert!(!is_echo_reply(&packet[..24], ASKED));
        assert!(!is_echo_reply(&[], ASKED));
    }

    #[test]
    fn a_checksum_makes_the_sum_all_ones() {
        let words = echo_request();
        let sum: u32 = words.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}
