//! What the servers are known not to do. Each line is a refusal that their own documentation or
//! source has for a request that HTTP allows: a server that refuses cannot be desynchronised. For
//! another reading of a request there is no excuse.

use std::net::Ipv4Addr;

use crate::recorder::find;

/// The framing fields are compared by what they cause, the body; some servers hide or rewrite
/// them. `Trailer` belongs to them: Go moves it out of the other fields.
pub const UNSEEN_FIELDS: &[&[u8]] = &[b"content-length", b"transfer-encoding", b"trailer"];

/// As much of a forwarded head as excuses need to know.
pub struct Head<'a> {
    pub method: &'a [u8],
    pub target: &'a [u8],
    /// Names in lower case.
    pub fields: Vec<(Vec<u8>, &'a [u8])>,
}

impl<'a> Head<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let end = find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
        let mut lines = bytes[..end].split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        let mut start = lines.next().unwrap_or_default().split(|&b| b == b' ');
        let (method, target) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
        let fields = lines.filter_map(|line| {
            let colon = line.iter().position(|&b| b == b':')?;
            Some((line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii()))
        });
        Self { method, target, fields: fields.collect() }
    }

    fn count(&self, name: &[u8]) -> usize {
        self.fields.iter().filter(|(other, _)| other == name).count()
    }

    pub fn has(&self, test: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        self.fields.iter().any(|(name, value)| test(name, value))
    }
}

struct Excuse {
    oracle: &'static str,
    what: fn(&Head<'_>) -> bool,
}

const EXCUSES: &[Excuse] = &[
    // ngx_http_parse_request_line: methods are upper-case letters, `_` and `-`.
    Excuse {
        oracle: "nginx",
        what: |head| !head.method.iter().all(|b| b.is_ascii_uppercase() || b"_-".contains(b)),
    },
    // ngx_http_process_request: TRACE is answered with 405.
    Excuse { oracle: "nginx", what: |head| head.method == b"TRACE" },
    // ngx_http_parse_request_line knows no asterisk form.
    Excuse { oracle: "nginx", what: |head| head.target == b"*" },
    // llhttp knows a list of methods, in capitals.
    Excuse { oracle: "node", what: |head| !NODES_METHODS.contains(&head.method) },
    // ngx_http_parse_complex_uri: no NUL, encoded or not.
    Excuse { oracle: "nginx", what: |head| find(head.target, b"%00").is_some() },
    // It decodes slashes before it looks for dot segments, and refuses what climbs over the root.
    Excuse {
        oracle: "nginx",
        what: |head| [b"..%2F", b"%2F.."].iter().any(|up| find(head.target, *up).is_some()),
    },
    // ngx_http_process_unique_header_line: these may come once.
    Excuse {
        oracle: "nginx",
        what: |head| NGINXS_SINGLES.iter().any(|single| head.count(single) > 1),
    },
    // Hosts with an empty label: ngx_http_validate_host, ap_parse_host.
    Excuse { oracle: "nginx", what: has_empty_label },
    Excuse { oracle: "apache", what: has_empty_label },
    // ap_parse_strict (HttpProtocolOptions): a DNS name or an address, and a port if a colon.
    Excuse { oracle: "apache", what: has_no_dns_name },
    // 417 (RFC 9110 section 10.1.1 allows it).
    Excuse { oracle: "apache", what: expects_something_else },
    Excuse { oracle: "go", what: expects_something_else },
];

const NGINXS_SINGLES: &[&[u8]] = &[b"authorization", b"content-range", b"if-match"];

/// `http.METHODS`, as far as mutants can hit it.
const NODES_METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"OPTIONS",
    b"TRACE",
    b"PROPFIND",
    b"PURGE",
    b"M-SEARCH",
    b"QUERY",
];

fn has_empty_label(head: &Head<'_>) -> bool {
    let is_odd = |host: &[u8]| host == b"." || host.windows(2).any(|pair| pair == b"..");
    head.has(|name, value| name == b"host" && is_odd(value))
}

fn has_no_dns_name(head: &Head<'_>) -> bool {
    let is_odd = |host: &[u8]| {
        let (name, port) = match host.iter().rposition(|&b| b == b':') {
            Some(colon) if !host.ends_with(b"]") => (&host[..colon], &host[colon + 1..]),
            _ => (host, &b"80"[..]),
        };
        let known = |b: &u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(b);
        let last = name.rsplit(|&b| b == b'.').next().unwrap_or_default();
        let is_number = !last.is_empty() && last.iter().all(u8::is_ascii_digit);
        let address = std::str::from_utf8(name).is_ok_and(|name| name.parse::<Ipv4Addr>().is_ok());
        !name.iter().all(known) || is_number && !address || port.iter().all(|&b| b == b'0')
    };
    head.has(|name, value| name == b"host" && is_odd(value))
}

fn expects_something_else(head: &Head<'_>) -> bool {
    head.has(|name, value| name == b"expect" && !value.eq_ignore_ascii_case(b"100-continue"))
}

pub fn is_excused(oracle: &str, head: &Head<'_>) -> bool {
    EXCUSES.iter().any(|excuse| excuse.oracle == oracle && (excuse.what)(head))
}
