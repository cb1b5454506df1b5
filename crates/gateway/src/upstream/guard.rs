//! Keeps requests out of the house's own network: a document from outside must not make the gateway talk to
//! what stands behind the firewall.

use super::UpstreamError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Marks the error of a refused look-up, which reaches us through two libraries as text only.
pub(super) const REFUSED: &str = "stands in a private address range";

/// The HTTP client: redirects off (we follow them), names resolved by us.
pub(super) fn client(trusted: Vec<String>) -> Result<reqwest::Client, String> {
    // Several clients in one process may install it; the first wins and all are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Resolver { trusted: trusted.into() }))
        .user_agent(concat!("lazaret/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(32)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| format!("the HTTP client could not be made: {error}"))
}

struct Resolver {
    /// Hosts that the operator named.
    trusted: Arc<[String]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let trusted = self.trusted.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if trusted.iter().any(|own| own.eq_ignore_ascii_case(&host)) {
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let (mut allowed, inside): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| is_public(address.ip()));
            if allowed.is_empty() {
                let own = addresses_of(&trusted).await;
                allowed = inside.into_iter().filter(|address| own.contains(&address.ip())).collect();
            }
            if allowed.is_empty() {
                return Err(format!("`{host}` {REFUSED}; name it in `private_hosts` if it may").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Where the configured hosts stand. A mirror inside the house often answers for an index and for the host
/// of its files at one address; what is configured may be asked there under both names. Loopback is left
/// out: every name can be made to point there.
async fn addresses_of(hosts: &[String]) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for host in hosts {
        if let Ok(found) = tokio::net::lookup_host((host.as_str(), 0)).await {
            all.extend(found.map(|address| address.ip()).filter(|address| !address.is_loopback()));
        }
    }
    all
}

/// A host given as a bare address never meets the resolver.
pub(super) fn check_literal(url: &Url, trusted: bool) -> Result<(), UpstreamError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(UpstreamError::Refused("its address has no host".into())),
    };
    if trusted || is_public(address) {
        return Ok(());
    }
    Err(UpstreamError::Refused(format!("{address} {REFUSED}")))
}

/// Whether an address belongs to the public internet (IANA special-purpose registries, RFC 6890).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            if let Some(inner) = embedded_v4(address) {
                return is_public_v4(inner);
            }
            let first = address.segments()[0];
            // Global unicast is 2000::/3; documentation and benchmarking ranges are carved out of it.
            first & 0xe000 == 0x2000 && !(first == 0x2001 && matches!(address.segments()[1], 0x0db8 | 0x0002))
        }
    }
}

/// The IPv4 address inside a mapped (`::ffff:0:0/96`), 6to4 (`2002::/16`) or NAT64 (`64:ff9b::/96`) one.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [a, b, c, _, _, _, g, h] = address.segments();
    let join = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(w, x, y, z)
    };
    match (a, b) {
        (0x2002, _) => Some(join(b, c)),
        (0x0064, 0xff9b) => Some(join(g, h)),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_private_from_public() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
            "ff02::1",
        ];
        for text in private {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "172.32.0.1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
