//! IP networks, as options and rules name them.

use std::net::IpAddr;
use std::str::FromStr;

/// An IP network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Network {
    pub address: IpAddr,
    pub prefix: u8,
}

/// The text is neither an address nor an address, a slash and a length that such an address has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANetwork;

impl Network {
    /// Whether the address lies in the network. Families never mix: an IPv4-mapped address has to
    /// be made canonical before.
    pub fn contains(&self, address: IpAddr) -> bool {
        use IpAddr::{V4, V6};
        let same = |own: u128, other: u128, width: u32| {
            let host_bits = width.saturating_sub(u32::from(self.prefix));
            own.checked_shr(host_bits).unwrap_or(0) == other.checked_shr(host_bits).unwrap_or(0)
        };
        match (self.address, address) {
            (V4(own), V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (V6(own), V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// Reads `10.0.0.0/8`, or one address.
impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NotANetwork)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| NotANetwork)?,
            None => widest,
        };
        if prefix > widest {
            return Err(NotANetwork);
        }
        Ok(Self { address, prefix })
    }
}
