//! Headers of both versions: good, bad, cut anywhere, and anything at all.

use proptest::prelude::*;

use super::*;

fn header(bytes: &[u8]) -> Header {
    match parse(bytes) {
        Ok(Beginning::Header(header)) => header,
        other => panic!("{other:?} for {}", bytes.escape_ascii()),
    }
}

fn source(bytes: &[u8]) -> Option<String> {
    let found = header(bytes);
    assert_eq!(found.length, bytes.len(), "{}", bytes.escape_ascii());
    found.source.map(|source| source.to_string())
}

fn is_bad(bytes: &[u8]) -> bool {
    parse(bytes).is_err()
}

/// A header of version 2 with a length that is right.
fn v2(version_and_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).expect("a block");
    let mut bytes = V2_SIGNATURE.to_vec();
    bytes.extend([version_and_command, family]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(block);
    bytes
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xde, 0xad, 0, 80];

fn ipv6(source: &str) -> Vec<u8> {
    let source: Ipv6Addr = source.parse().expect("an address");
    let ends = [source.octets(), Ipv6Addr::LOCALHOST.octets()].concat();
    [ends.as_slice(), &[0xde, 0xad, 0, 80]].concat()
}

#[test]
fn lines() {
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", Some("192.0.2.7")),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", Some("255.255.255.255")),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", Some("0.0.0.0")),
        ("PROXY TCP6 2001:DB8::7 ::1 56324 443\r\n", Some("2001:db8::7")),
        ("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", Some("192.0.2.7")),
        ("PROXY TCP6 ::ffff:c000:207 ::1 1 2\r\n", Some("192.0.2.7")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN whatever \t 192.0.2.7\r\n", None),
    ] {
        assert_eq!(source(line.as_bytes()).as_deref(), expected, "{line}");
    }
    let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    assert_eq!(
        source(format!("PROXY TCP6 {full} {full} 65535 65535\r\n").as_bytes()).as_deref(),
        Some(full)
    );
    let longest = format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n");
    assert_eq!((longest.len(), source(longest.as_bytes())), (V1_BYTES, None));
}

#[test]
fn lines_that_are_none() {
    for line in [
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY / HTTP/1.1\r\n",
        "PROXYX TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY\tTCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1\r1 2\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.x 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP6 1::2::3 ::1 1 2\r\n",
        "PROXY TCP6 12345::1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 00 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 0x2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1  2\r\n",
        "PROXY TCP4 192.0.2.\u{e9} 198.51.100.1 1 2\r\n",
    ] {
        assert!(is_bad(line.as_bytes()), "{line:?}");
    }
    assert!(is_bad(b"PROXY TCP4 192.0.2.7 198.51.100.1 1 \xff\r\n"));
}

#[test]
fn a_line_has_107_bytes_at_most() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
    assert_eq!(header(line(V1_BYTES).as_bytes()).length, V1_BYTES);
    assert!(is_bad(line(V1_BYTES + 1).as_bytes()));
    // Known without its end.
    let endless = format!("PROXY {}", "x".repeat(200));
    assert_eq!(parse(&endless.as_bytes()[..V1_BYTES - 1]), Ok(Beginning::Incomplete));
    assert!(is_bad(&endless.as_bytes()[..V1_BYTES]));
}

#[test]
fn binary_headers() {
    assert_eq!(source(&v2(0x21, 0x11, &IPV4)).as_deref(), Some("192.0.2.7"));
    assert_eq!(source(&v2(0x21, 0x21, &ipv6("2001:db8::7"))).as_deref(), Some("2001:db8::7"));
    assert_eq!(source(&v2(0x21, 0x21, &ipv6("::ffff:192.0.2.7"))).as_deref(), Some("192.0.2.7"));
    // TLVs are skipped, also those that would be wrong.
    for tlvs in [&[4, 0, 0][..], &[3, 0, 4, 1, 2, 3, 4], &[1, 0xff, 0xff], &[0]] {
        let with_tlvs = v2(0x21, 0x11, &[&IPV4, tlvs].concat());
        assert_eq!(source(&with_tlvs).as_deref(), Some("192.0.2.7"), "{tlvs:?}");
    }
    // UDP, Unix sockets, unspecified halves: the peer counts.
    for (family, length) in [(0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)] {
        assert_eq!(source(&v2(0x21, family, &vec![9; length])), None, "{family:#x}");
        assert!(is_bad(&v2(0x21, family, &vec![9; length - 1])), "{family:#x}");
    }
    for family in [0x00, 0x01, 0x02, 0x10, 0x20, 0x30] {
        assert_eq!(source(&v2(0x21, family, b"")), None, "{family:#x}");
        assert_eq!(source(&v2(0x21, family, &IPV4)), None, "{family:#x}");
    }
    // LOCAL: whatever its family, and with its length obeyed.
    for family in [0x00, 0x11, 0x21, 0xff] {
        assert_eq!(source(&v2(0x20, family, b"")), None, "{family:#x}");
        assert_eq!(source(&v2(0x20, family, &IPV4)), None, "{family:#x}");
    }
}

#[test]
fn binary_headers_that_are_none() {
    for version_and_command in [0x00, 0x01, 0x11, 0x22, 0x2f, 0x31, 0xff] {
        assert!(is_bad(&v2(version_and_command, 0x11, &IPV4)), "{version_and_command:#x}");
    }
    for family in [0x03, 0x13, 0x23, 0x1f, 0x33, 0x40, 0x41, 0xff] {
        assert!(is_bad(&v2(0x21, family, &[9; 216])), "{family:#x}");
    }
    assert!(is_bad(&v2(0x21, 0x11, &IPV4[..11])));
    assert!(is_bad(&v2(0x21, 0x21, &ipv6("::1")[..35])));
    for (command, family) in [(0x21, 0x11), (0x20, 0x00)] {
        let longest = v2(command, family, &[9; PROXY_BLOCK_BYTES]);
        assert_eq!(header(&longest).length, longest.len());
        // Refused by the length alone, before the block has come.
        assert!(is_bad(&v2(command, family, &[9; PROXY_BLOCK_BYTES + 1])[..V2_FIXED_BYTES]));
    }
}

#[test]
fn what_begins_otherwise_is_the_clients() {
    for bytes in ["GET / HTTP/1.1\r\n", "POST /", "PRI * HTTP/2.0\r\n", "\r\nGET", "\r\n\r\nG", "p"]
    {
        assert_eq!(parse(bytes.as_bytes()), Ok(Beginning::Absent), "{bytes:?}");
    }
    for bytes in ["", "P", "PROX", "\r", "\r\n", "\r\n\r\n", "\r\n\r\n\0\r\nQUIT"] {
        assert_eq!(parse(bytes.as_bytes()), Ok(Beginning::Incomplete), "{bytes:?}");
    }
    // One wrong byte in the signature of version 2, which is 12 bytes long.
    assert_eq!(parse(b"\r\n\r\n\0\r\nQUIT\r"), Ok(Beginning::Absent));
}

fn any_header() -> impl Strategy<Value = (Vec<u8>, Option<IpAddr>)> {
    let ports = any::<(u16, u16)>();
    let ends4 = (any::<Ipv4Addr>(), any::<Ipv4Addr>(), ports);
    let ends6 = (any::<Ipv6Addr>(), any::<Ipv6Addr>(), ports);
    let tlvs = proptest::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        ends4.clone().prop_map(|(source, to, (a, b))| {
            let line = format!("PROXY TCP4 {source} {to} {a} {b}\r\n");
            (line.into_bytes(), Some(source.into()))
        }),
        ends6.clone().prop_map(|(source, to, (a, b))| {
            let line = format!("PROXY TCP6 {source} {to} {a} {b}\r\n");
            (line.into_bytes(), Some(IpAddr::V6(source).to_canonical()))
        }),
        "( [ -~]{0,90})?".prop_map(|rest| (format!("PROXY UNKNOWN{rest}\r\n").into_bytes(), None)),
        (ends4, tlvs.clone()).prop_map(|((source, to, (a, b)), tlvs)| {
            let mut block = [source.octets(), to.octets()].concat();
            block.extend([a.to_be_bytes(), b.to_be_bytes()].concat());
            block.extend(tlvs);
            (v2(0x21, 0x11, &block), Some(source.into()))
        }),
        (ends6, tlvs.clone()).prop_map(|((source, to, (a, b)), tlvs)| {
            let mut block = [source.octets(), to.octets()].concat();
            block.extend([a.to_be_bytes(), b.to_be_bytes()].concat());
            block.extend(tlvs);
            (v2(0x21, 0x21, &block), Some(IpAddr::V6(source).to_canonical()))
        }),
        (any::<u8>(), tlvs).prop_map(|(family, block)| (v2(0x20, family, &block), None)),
    ]
}

/// Behind these, random bytes reach every branch.
const STARTS: [&[u8]; 7] = [
    b"",
    b"PROXY",
    b"PROXY TCP4 1.2.3.4 ",
    b"PROXY TCP6 ",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
    b"\r\n",
];

proptest! {
    /// Whatever follows, and however it is cut: every shorter piece asks for more, every longer
    /// one finds the same.
    #[test]
    fn a_header_is_found_at_its_last_byte_and_not_before(
        (bytes, source) in any_header(),
        behind in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        for cut in 0..bytes.len() {
            prop_assert_eq!(parse(&bytes[..cut]), Ok(Beginning::Incomplete), "at {}", cut);
        }
        let expected = Ok(Beginning::Header(Header { source, length: bytes.len() }));
        prop_assert_eq!(parse(&bytes), expected);
        prop_assert_eq!(parse(&[bytes, behind].concat()), expected);
    }

    /// A verdict is final: more bytes never change it, and until it falls it is "incomplete".
    #[test]
    fn verdicts_do_not_depend_on_segments(
        start in proptest::sample::select(&STARTS[..]),
        rest in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            proptest::collection::vec(prop_oneof![
                Just(b' '), Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b':'), b'0'..=b'9',
            ], 0..60),
        ],
    ) {
        let bytes = [start, rest.as_slice()].concat();
        let last = parse(&bytes);
        for cut in 0..bytes.len() {
            let verdict = parse(&bytes[..cut]);
            prop_assert!(
                verdict == last || verdict == Ok(Beginning::Incomplete),
                "{:?} after {} bytes, then {:?}", verdict, cut, last
            );
        }
        if let Ok(Beginning::Header(header)) = last {
            prop_assert!(header.length <= bytes.len() && header.length > 0);
        }
    }

    /// One byte changed never panics; what is still a header still has its bounds.
    #[test]
    fn damage_never_panics((mut bytes, _) in any_header(), at in any::<usize>(), byte: u8) {
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(Beginning::Header(header)) = parse(&bytes) {
            prop_assert!(header.length <= bytes.len());
        }
    }
}
