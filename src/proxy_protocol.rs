//! The PROXY protocol, versions 1 and 2: the first bytes of a connection say for whom it was made.
//!
//! Bytes in, facts out: no socket, no clock, and nobody is trusted here. Rules are those of
//! HAProxy's `proxy-protocol.txt`, whose sections stand in brackets; each is listed above the code
//! that enforces it. Where the specification leaves a choice:
//!
//! - A connection may begin without a header, as in Traefik. The specification demands a fixed
//!   answer to whether there is one [2], so that no stranger's bytes are taken for a header: a
//!   proxy that is trusted has to send one always, or must not relay strangers' bytes untouched.
//! - What we cannot use (UNKNOWN, UDP, Unix sockets) is accepted, and the connection's own peer
//!   counts [2.1, 2.2].
//! - TLVs are skipped unread [2.2], the checksum [2.2.3] among them, as in Traefik: they would
//!   decide nothing here, TCP has its own checksum, and what is not parsed cannot be attacked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::limits::PROXY_BLOCK_BYTES;

const V1_SIGNATURE: &[u8] = b"PROXY";

/// Longest line of version 1, its end included [2.1].
const V1_BYTES: usize = 107;

const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version with command, family with protocol, length [2.2].
const V2_FIXED_BYTES: usize = 16;

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Nothing that contradicts a header, but no whole one: more bytes are needed.
    Incomplete,
    /// No header: these bytes are the client's own.
    Absent,
    Header(Header),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The client that the proxy announces, in canonical form; `None` where the connection's own
    /// peer is to be taken.
    pub source: Option<IpAddr>,
    /// So many bytes later the client's own begin.
    pub length: usize,
}

/// It began as a header and is none; the connection must be given up [2.1, 2.2].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bad PROXY protocol header: {0}")]
pub struct Bad(pub &'static str);

/// Looks at everything that a connection has sent so far.
///
/// - The five bytes `PROXY` are version 1 and nothing else; so are the twelve bytes of the
///   signature version 2 [2.2]. No HTTP request that we would serve begins with either.
/// - The verdict does not depend on how the bytes were cut into segments [2].
pub fn parse(bytes: &[u8]) -> Result<Beginning, Bad> {
    if bytes.starts_with(V1_SIGNATURE) {
        return line(bytes);
    }
    if let Some(rest) = bytes.strip_prefix(V2_SIGNATURE) {
        return binary(rest);
    }
    let undecided = V1_SIGNATURE.starts_with(bytes) || V2_SIGNATURE.starts_with(bytes);
    Ok(if undecided { Beginning::Incomplete } else { Beginning::Absent })
}

/// Version 1: a line [2.1].
///
/// - It ends in CRLF within 107 bytes. Neither a lone LF nor a lone CR ends it.
/// - Nothing is decoded before its end has come.
/// - Single blanks separate `PROXY`, `TCP4` or `TCP6`, two addresses of that family, two ports.
/// - Behind `UNKNOWN` everything up to the end is ignored, and the peer's own address counts.
/// - What does not match exactly is an error.
fn line(bytes: &[u8]) -> Result<Beginning, Bad> {
    let window = &bytes[..bytes.len().min(V1_BYTES)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        let full = window.len() == V1_BYTES;
        return if full { Err(Bad("its line is too long")) } else { Ok(Beginning::Incomplete) };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(Bad("its line ends in a lone LF"))?;
    let mut words = line.split(|byte| *byte == b' ');
    if words.next() != Some(V1_SIGNATURE) {
        return Err(Bad("PROXY is not a word of its own"));
    }
    let source = match words.next() {
        Some(b"UNKNOWN") => None,
        Some(b"TCP4") => Some(ends::<Ipv4Addr>(words)?),
        Some(b"TCP6") => Some(ends::<Ipv6Addr>(words)?),
        _ => return Err(Bad("neither TCP4 nor TCP6 nor UNKNOWN")),
    };
    Ok(Beginning::Header(Header { source, length: end + 1 }))
}

/// Both ends of the announced connection, of which only the source's address is kept.
fn ends<'a, A: FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<IpAddr, Bad> {
    let source = address::<A>(words.next())?;
    address::<A>(words.next())?;
    port(words.next())?;
    port(words.next())?;
    if words.next().is_some() {
        return Err(Bad("more behind the ports"));
    }
    Ok(source)
}

/// - IPv4: four decimal numbers up to 255 without leading zeros, between single dots [2.1].
/// - IPv6: groups of hexadecimal digits between colons, one `::`, no zone [2.1]. A dotted end
///   (`::ffff:192.0.2.1`) passes as well: common senders write IPv4-mapped addresses so, which
///   are made IPv4 here, as everywhere in this house.
fn address<A: FromStr + Into<IpAddr>>(word: Option<&[u8]>) -> Result<IpAddr, Bad> {
    let text = word.and_then(|word| std::str::from_utf8(word).ok());
    let address = text.and_then(|text| text.parse::<A>().ok());
    address.map(|address| address.into().to_canonical()).ok_or(Bad("an address is none"))
}

/// A decimal number up to 65535 without sign or leading zeros [2.1]; nobody asks for it.
fn port(word: Option<&[u8]>) -> Result<(), Bad> {
    let text = word.and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    let strict = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    if strict && text.parse::<u16>().is_ok() { Ok(()) } else { Err(Bad("a port is none")) }
}

/// Version 2, behind its signature [2.2].
///
/// - The version is 2; the command is LOCAL or PROXY, anything else is an error.
/// - The length is always obeyed, also for LOCAL and for what we do not use.
/// - LOCAL is the proxy's own connection: family and addresses are ignored, the peer counts.
/// - Unassigned families and protocols are errors; so are too few bytes for a family's addresses.
/// - Addresses are taken for TCP over IPv4 and IPv6 alone. For the rest the peer counts.
/// - Ours: more than [`PROXY_BLOCK_BYTES`] are an error, since all of it has to be buffered.
fn binary(rest: &[u8]) -> Result<Beginning, Bad> {
    let [version_and_command, rest @ ..] = rest else { return Ok(Beginning::Incomplete) };
    let relayed = match version_and_command {
        0x20 => false,
        0x21 => true,
        _ => return Err(Bad("unknown version or command")),
    };
    let [family, rest @ ..] = rest else { return Ok(Beginning::Incomplete) };
    let addresses = match family {
        _ if !relayed => 0,
        0x11 | 0x12 => 2 * (4 + 2),
        0x21 | 0x22 => 2 * (16 + 2),
        0x31 | 0x32 => 2 * 108,
        // One half unspecified.
        0x00..=0x02 | 0x10 | 0x20 | 0x30 => 0,
        _ => return Err(Bad("unassigned family or protocol")),
    };
    let [high, low, rest @ ..] = rest else { return Ok(Beginning::Incomplete) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length < addresses {
        return Err(Bad("too short for its addresses"));
    }
    if length > PROXY_BLOCK_BYTES {
        return Err(Bad("too long"));
    }
    let Some(block) = rest.get(..length) else { return Ok(Beginning::Incomplete) };
    let source = match family {
        _ if !relayed => None,
        0x11 => block.first_chunk::<4>().map(|source| IpAddr::from(*source)),
        0x21 => block.first_chunk::<16>().map(|source| IpAddr::from(*source)),
        _ => None,
    };
    let source = source.map(|source| source.to_canonical());
    Ok(Beginning::Header(Header { source, length: V2_FIXED_BYTES + length }))
}

#[cfg(test)]
mod tests;
