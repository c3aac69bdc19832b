//! Which addresses may be connected to. Strangers name the servers, so that a name must not lead
//! into the network behind this machine.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// An address that may not be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not on the public Internet; allow private addresses if you trust whoever named it")]
pub(crate) struct Forbidden(pub(crate) String);

/// Why the URL of a server can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadUrl {
    Malformed(&'static str),
    Forbidden(Forbidden),
}

/// Checks what can be seen in a URL. Names are checked when they are resolved.
pub(crate) fn check_url(url: &Url, allow_private: bool) -> Result<(), BadUrl> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::Malformed("it must start with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Malformed("it must not have a user or a password"));
    }
    let address = match url.host() {
        None => return Err(BadUrl::Malformed("it has no host")),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
    };
    if allow_private || is_public(address) {
        Ok(())
    } else {
        Err(BadUrl::Forbidden(Forbidden(address.to_string())))
    }
}

/// Resolves names and leaves out forbidden addresses. What it gives is what is connected to: a name
/// that resolves to something else the next time gains nothing.
pub(crate) struct Resolver {
    pub(crate) allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (good, bad): (Vec<SocketAddr>, Vec<_>) =
                found.partition(|address| allow_private || is_public(address.ip()));
            match bad.first() {
                Some(bad) if good.is_empty() => {
                    Err(Forbidden(format!("{} ({})", name.as_str(), bad.ip())).into())
                }
                _ => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one of a machine on the public Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let anycast_6to4 = a == 192 && b == 88 && c == 99;
    let benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || shared
        || protocols
        || anycast_6to4
        || benchmarks
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match words {
        // IPv4-mapped, and IPv4 behind a translator: as public as the IPv4 address within.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and what else is not for hosts, documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only this block is given out. Loopback, unique local, link-local, multicast and all
        // that has no meaning yet are outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_known() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_is_public_is_known() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_in_urls_are_seen_however_they_are_written() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1:9/",
            "http://017700000001/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest",
            "http://0/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(
                matches!(check_url(&url, false), Err(BadUrl::Forbidden(_))),
                "{url}"
            );
            assert_eq!(check_url(&url, true), Ok(()));
        }
        for url in [
            "ftp://a.example/",
            "file:///etc/passwd",
            "http://me:pw@a.example/",
            "data:x",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(
                matches!(check_url(&url, true), Err(BadUrl::Malformed(_))),
                "{url}"
            );
        }
        assert_eq!(
            check_url(&Url::parse("https://a.example:8/x").unwrap(), false),
            Ok(())
        );
    }

    #[tokio::test]
    async fn names_of_private_addresses_are_not_resolved() {
        let resolve = |allow_private| {
            let resolver = Resolver { allow_private };
            resolver.resolve("localhost".parse().unwrap())
        };
        let refused = resolve(false).await.map(|_| ()).unwrap_err();
        assert!(refused.downcast_ref::<Forbidden>().is_some(), "{refused}");
        assert!(resolve(true)
            .await
            .unwrap()
            .all(|address| address.ip().is_loopback()));
    }
}
