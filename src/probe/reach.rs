//! Finds out whether an endpoint is on this host.

use crate::endpoint::{Address, Target};
use crate::load::Unknown;
use crate::place::Reach;
use crate::sockets::FileId;
use rustix::fs::{major, minor, stat};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;

/// Most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 8;

/// Whom one reaches at `target`.
pub(super) fn reach(target: &Target) -> Result<Reach, Unknown> {
    match &target.address {
        Address::Unix(path) => Ok(Reach::File(file(path))),
        Address::Tcp(host, port) => {
            let found = (host.as_str(), *port).to_socket_addrs().map_err(|_| Unknown::Name(host.clone()))?;
            let found: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
            match found.iter().all(|address| is_here(*address)) {
                true if found.is_empty() => Err(Unknown::Name(host.clone())),
                true => Ok(Reach::ThisHost(found)),
                false => Ok(Reach::OtherHost),
            }
        }
    }
}

/// Only an address of one's own can be bound.
fn is_here(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback() || UdpSocket::bind((address.ip(), 0)).is_ok()
}

/// The numbers by which the kernel lists a Unix socket (`UNIX_DIAG_VFS`).
fn file(path: &Path) -> Option<FileId> {
    let found = stat(path).ok()?;
    let device = (major(found.st_dev) << 20) | minor(found.st_dev);
    let [_, _, _, _, low @ ..] = found.st_ino.to_be_bytes();
    Some(FileId { device, inode: u32::from_be_bytes(low) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(target: &str) -> Result<Reach, Unknown> {
        reach(&target.parse().unwrap())
    }

    #[test]
    fn an_address_of_ones_own_is_on_this_host_and_another_is_not() {
        let here = |address: &str| Ok(Reach::ThisHost(vec![address.parse().unwrap()]));
        assert_eq!(reached("fastcgi://127.0.0.1:9001/x"), here("127.0.0.1:9001"));
        assert_eq!(reached("http://[::1]:9002/x"), here("[::1]:9002"));
        assert_eq!(reached("fastcgi://0.0.0.0:9001/x"), here("0.0.0.0:9001"));
        assert_eq!(reached("fastcgi://192.0.2.1:9001/x"), Ok(Reach::OtherHost));
        assert_eq!(reached("fastcgi+unix:///nowhere/sock/x"), Ok(Reach::File(None)));
    }
}
