//! What a server saw of a request, and whether all servers saw the same.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

use crate::excuses::{self, Head};
use crate::oracles::Seen;

/// Behind every whole request: it must be seen as the second one, nothing more and nothing less.
pub const SENTINEL: &[u8] =
    b"GET /sentinel HTTP/1.1\r\nHost: sentinel\r\nConnection: close\r\n\r\n";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    method: Vec<u8>,
    target: Vec<u8>,
    body: Vec<u8>,
    /// By name in lower case; several lines of one name in their order, joined by a comma as RFC
    /// 9110 section 5.3 has it and some servers do.
    fields: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl View {
    /// `ADDRESS METHOD TARGET BODY NAME=VALUE…`, all but the address in hexadecimal digits.
    pub fn parse(line: &str) -> (Ipv4Addr, Self) {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("a view of too few words: {line}"));
        let client = word().parse().expect("an address");
        let (method, target, body) = (bytes(word()), bytes(word()), bytes(word()));
        let mut fields: BTreeMap<_, Vec<u8>> = BTreeMap::new();
        for field in words {
            let (name, value) = field.split_once('=').expect("a field");
            let name = bytes(name).to_ascii_lowercase();
            if excuses::UNSEEN_FIELDS.contains(&&*name) {
                continue;
            }
            let value = bytes(value);
            let values = fields.entry(name).and_modify(|values| values.extend_from_slice(b", "));
            values.or_default().extend_from_slice(value.trim_ascii());
        }
        fields.values_mut().for_each(|values| *values = values.trim_ascii().to_vec());
        (client, Self { method, target, body, fields })
    }

    fn is_sentinel(&self) -> bool {
        let field = |name: &[u8]| self.fields.get(name).map(Vec::as_slice);
        self.method == b"GET"
            && self.target == b"/sentinel"
            && self.body.is_empty()
            && self.fields.len() == 2
            && field(b"host") == Some(b"sentinel")
            && field(b"connection") == Some(b"close")
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, target) = (self.method.escape_ascii(), self.target.escape_ascii());
        write!(f, "{method} {target} body \"{}\"", self.body.escape_ascii())?;
        for (name, value) in &self.fields {
            write!(f, " {}=\"{}\"", name.escape_ascii(), value.escape_ascii())?;
        }
        Ok(())
    }
}

/// Compares what all servers saw of `forwarded`, which was followed by the sentinel if it is
/// `complete` and by the end of the stream if not. Gives how many servers are excused, or what is
/// wrong.
pub fn judge(forwarded: &[u8], complete: bool, all: &[Seen]) -> Result<usize, String> {
    let mut wrong = String::new();
    let mut first: Option<&View> = None;
    let mut excused = 0;
    let head = Head::of(forwarded);
    for Seen { oracle, views, told } in all {
        let complaint = match &views[..] {
            [] if !complete => continue,
            _ if !complete => "took a part of a request for a whole one",
            [request, second] if second.is_sentinel() => match first {
                Some(first) if first != request => "saw another request",
                _ => {
                    first = Some(request);
                    continue;
                }
            },
            // Refused by itself or with all that follows: safe, if it is known for that.
            [] | [_] if refuses(views, told) && excuses::is_excused(oracle, &head) => {
                excused += 1;
                continue;
            }
            _ => "did not see this request and the sentinel",
        };
        let _ = writeln!(wrong, "{oracle} {complaint}");
    }
    if complete && first.is_none() {
        wrong.push_str("nobody saw this request\n");
    }
    if wrong.is_empty() { Ok(excused) } else { Err(wrong) }
}

fn refuses(views: &[View], told: &crate::clients::Told) -> bool {
    views.iter().all(View::is_sentinel) && told.statuses().iter().any(|status| *status >= 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Told;

    fn view(method: &str, target: &str, body: &str, fields: &[(&str, &str)]) -> View {
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        let mut line = format!("127.0.0.1 {} {} {}", hex(method), hex(target), hex(body));
        for (name, value) in fields {
            let _ = write!(line, " {}={}", hex(name), hex(value));
        }
        View::parse(&line).1
    }

    fn sentinel() -> View {
        view("GET", "/sentinel", "", &[("Host", "sentinel"), ("Connection", "close")])
    }

    fn seen(oracle: &'static str, views: &[View], answer: &[u8]) -> Seen {
        Seen { oracle, views: views.to_vec(), told: Told { bytes: answer.to_vec(), ended: true } }
    }

    const WIRE: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn one_request_in_other_words_is_the_same() {
        let a = view("GET", "/a", "x", &[("X-A", "1"), ("x-a", " 2"), ("Content-Length", "1")]);
        let b = view("GET", "/a", "x", &[("x-A", "1, 2\t"), ("Transfer-Encoding", "chunked")]);
        let all = [seen("nginx", &[a, sentinel()], b""), seen("node", &[b, sentinel()], b"")];
        assert_eq!(judge(WIRE, true, &all), Ok(0));
    }

    #[test]
    fn any_difference_is_found() {
        let a = view("GET", "/a", "x", &[("A", "1")]);
        for (what, views) in [
            ("method", vec![view("PUT", "/a", "x", &[("A", "1")]), sentinel()]),
            ("target", vec![view("GET", "/A", "x", &[("A", "1")]), sentinel()]),
            ("body", vec![view("GET", "/a", "", &[("A", "1")]), sentinel()]),
            ("value", vec![view("GET", "/a", "x", &[("A", "2")]), sentinel()]),
            ("more fields", vec![view("GET", "/a", "x", &[("A", "1"), ("B", "")]), sentinel()]),
            ("a third request", vec![a.clone(), a.clone(), sentinel()]),
            ("no sentinel", vec![a.clone()]),
            ("only the sentinel", vec![sentinel()]),
            ("another sentinel", vec![a.clone(), a.clone()]),
            ("nothing", vec![]),
        ] {
            let b = seen("node", &views, b"HTTP/1.1 400 Bad Request\r\n");
            let all = [seen("nginx", &[a.clone(), sentinel()], b""), b];
            assert!(judge(WIRE, true, &all).is_err(), "{what}");
        }
    }

    #[test]
    fn an_excuse_covers_a_refusal_and_nothing_else() {
        let wire = b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n";
        let request = view("TRACE", "/", "", &[("Host", "a")]);
        let judge_with = |views: &[View], answer: &[u8]| {
            let other = seen("go", &[request.clone(), sentinel()], b"");
            judge(wire, true, &[other, seen("nginx", views, answer)])
        };
        let refusal = b"HTTP/1.1 405 Not Allowed\r\n";
        assert_eq!(judge_with(&[], refusal), Ok(1));
        assert_eq!(judge_with(&[sentinel()], refusal), Ok(1));
        assert!(judge_with(&[], b"").is_err(), "silence is no refusal");
        assert!(judge_with(&[request.clone(), request.clone()], refusal).is_err());
        assert!(judge(wire, true, &[seen("nginx", &[], refusal)]).is_err(), "nobody is left");
    }

    #[test]
    fn a_part_is_never_a_whole() {
        assert_eq!(judge(WIRE, false, &[seen("node", &[], b"")]), Ok(0));
        let a = view("GET", "/a", "x", &[]);
        assert!(judge(WIRE, false, &[seen("node", &[a], b"")]).is_err());
    }
}
