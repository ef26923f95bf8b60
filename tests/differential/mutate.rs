//! Mutants: valid requests, changed where HTTP is understood and where it is not.

use crate::random::Random;
use crate::words::{self, Words};

/// What one client sends.
pub struct Mutant {
    /// Each is sent by itself.
    pub pieces: Vec<Vec<u8>>,
    /// The client ends its direction at once behind them.
    pub truncated: bool,
}

impl Mutant {
    pub fn bytes(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// Behind what is not cut short: the client's own sentinel, which also ends the connection.
const TAIL: &[u8] = b"GET /tail HTTP/1.1\r\nHost: tail\r\nConnection: close\r\n\r\n";

/// The mutant of this number: the same for the same seed.
pub fn mutant(seed: u64, number: u64) -> Mutant {
    let mut random = Random::new(seed, number);
    let mut bytes = request(&mut random);
    if random.one_in(10) {
        bytes.extend(request(&mut random));
    }
    if random.one_in(6) {
        for _ in 0..=random.below(2) {
            change_bytes(&mut random, &mut bytes);
        }
    }
    let truncated = random.one_in(15);
    if truncated {
        bytes.truncate(random.below(bytes.len()));
    } else {
        bytes.extend_from_slice(TAIL);
    }
    Mutant { pieces: split(&mut random, bytes), truncated }
}

fn split(random: &mut Random, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    if random.one_in(5) {
        for _ in 0..=random.below(3) {
            let rest = bytes.split_off(random.below(bytes.len()));
            pieces.push(std::mem::replace(&mut bytes, rest));
        }
    }
    pieces.push(bytes);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// A request in parts, each as it will be written.
struct Draft {
    method: Vec<u8>,
    target: Vec<u8>,
    version: Vec<u8>,
    /// Field lines without their ends.
    lines: Vec<Vec<u8>>,
    body: Vec<u8>,
    /// One line, counted from the request line, that ends otherwise.
    odd_end: Option<(usize, &'static [u8])>,
}

impl Draft {
    fn set(&mut self, name: &[u8], value: &[u8]) {
        self.lines.push([name, b": ", value].concat());
    }

    fn write(&self) -> Vec<u8> {
        let start = [&*self.method, b" ", &self.target, b" ", &self.version].concat();
        let empty = Vec::new();
        let lines = [&start].into_iter().chain(&self.lines).chain([&empty]);
        let mut bytes = Vec::new();
        for (at, line) in lines.enumerate() {
            bytes.extend_from_slice(line);
            let odd = self.odd_end.filter(|(odd, _)| *odd == at);
            bytes.extend_from_slice(odd.map_or(b"\r\n", |(_, end)| end));
        }
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn request(random: &mut Random) -> Vec<u8> {
    let mut draft = valid(random);
    for _ in 0..random.below(4) {
        random.pick(CHANGES)(random, &mut draft);
    }
    draft.write()
}

/// What every server understands.
fn valid(random: &mut Random) -> Draft {
    let mut draft = Draft {
        method: b"GET".to_vec(),
        target: random.pick::<&[u8]>(&[b"/", b"/a", b"/a/b?c=d", b"/a%20b"]).to_vec(),
        version: b"HTTP/1.1".to_vec(),
        lines: vec![],
        body: vec![],
        odd_end: None,
    };
    draft.set(b"Host", b"a");
    if random.one_in(2) {
        draft.set(b"Accept", b"*/*");
    }
    match random.below(10) {
        0..=3 => {}
        4 | 5 => {
            draft.method = random.pick::<&[u8]>(&[b"POST", b"PUT", b"GET"]).to_vec();
            draft.set(b"Content-Length", b"5");
            draft.body = b"hello".to_vec();
        }
        6 | 7 => {
            draft.method = random.pick::<&[u8]>(&[b"POST", b"PUT", b"GET"]).to_vec();
            draft.set(b"Transfer-Encoding", b"chunked");
            draft.body = chunks(random, 0);
        }
        8 => draft.method = random.pick::<&[u8]>(&[b"POST", b"PUT", b"PATCH", b"DELETE"]).to_vec(),
        _ => {
            draft.set(b"Connection", b"Upgrade");
            draft.set(b"Upgrade", b"websocket");
        }
    }
    draft
}

/// A chunked body; each of its parts is an odd one in `odd` of a hundred cases.
fn chunks(random: &mut Random, odd: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let part = |random: &mut Random, body: &mut Vec<u8>, good: &[u8], from: Words| {
        let is_odd = random.below(100) < odd;
        body.extend_from_slice(if is_odd { random.pick(from) } else { good });
    };
    for _ in 0..random.below(3) {
        part(random, &mut body, b"5", words::SIZES);
        part(random, &mut body, b"\r\n", words::LINE_ENDS);
        part(random, &mut body, b"hello", &[b"hell", b"hello!", b"\r\n0\r\n", b"0\r\n\r\n", b""]);
        part(random, &mut body, b"\r\n", words::LINE_ENDS);
    }
    part(random, &mut body, b"0", words::LAST_CHUNKS);
    part(random, &mut body, b"\r\n", words::LINE_ENDS);
    for _ in 0..random.below(3).saturating_sub(1) {
        part(random, &mut body, b"X-T: v", words::TRAILERS);
        part(random, &mut body, b"\r\n", words::LINE_ENDS);
    }
    part(random, &mut body, b"\r\n", words::LINE_ENDS);
    body
}

type Change = fn(&mut Random, &mut Draft);

const CHANGES: &[Change] = &[
    change_method,
    change_target,
    change_target,
    change_target,
    change_authority,
    change_version,
    change_host,
    add_field,
    add_field,
    add_field,
    add_bad_field,
    respace,
    recase,
    repeat_line,
    swap_lines,
    join_lines,
    fold,
    add_length,
    change_framing,
    change_framing,
    change_chunks,
    change_chunks,
    change_body,
    name_in_connection,
    name_in_connection,
    expect,
    upgrade,
    many_fields,
    lengthen,
    end_oddly,
    begin_oddly,
];

fn change_method(random: &mut Random, draft: &mut Draft) {
    draft.method = random.pick(words::METHODS).to_vec();
}

fn change_target(random: &mut Random, draft: &mut Draft) {
    let mut target = Vec::new();
    for _ in 0..=random.below(3) {
        target.push(b'/');
        for _ in 0..=random.below(2) {
            target.extend_from_slice(random.pick(words::SEGMENTS));
        }
    }
    if random.one_in(3) {
        target.push(b'?');
        for _ in 0..random.below(3) {
            target.extend_from_slice(random.pick(words::SEGMENTS));
        }
    }
    draft.target = target;
}

fn change_authority(random: &mut Random, draft: &mut Draft) {
    let path = if random.one_in(4) { vec![] } else { std::mem::take(&mut draft.target) };
    if random.one_in(5) {
        draft.method = b"OPTIONS".to_vec();
    }
    draft.target = [random.pick(words::AUTHORITIES), &path].concat();
}

fn change_version(random: &mut Random, draft: &mut Draft) {
    draft.version = random.pick(words::VERSIONS).to_vec();
    if random.one_in(2) {
        draft.version = b"HTTP/1.0".to_vec();
        draft.set(b"Connection", random.pick::<&[u8]>(&[b"keep-alive", b"close", b"x-a"]));
    }
}

fn change_host(random: &mut Random, draft: &mut Draft) {
    if !random.one_in(5) {
        draft.lines.retain(|line| !line.starts_with(b"Host:"));
    }
    if !random.one_in(10) {
        draft.set(b"Host", random.pick(words::HOSTS));
    }
}

fn add_field(random: &mut Random, draft: &mut Draft) {
    for _ in 0..=random.below(2) {
        draft.set(random.pick(words::NAMES), random.pick(words::VALUES));
    }
}

fn add_bad_field(random: &mut Random, draft: &mut Draft) {
    match random.below(3) {
        0 => draft.set(random.pick(words::BAD_NAMES), random.pick(words::VALUES)),
        1 => draft.set(random.pick(words::NAMES), random.pick(words::BAD_VALUES)),
        _ => draft.lines.push(random.pick(words::BAD_NAMES).to_vec()),
    }
    let last = draft.lines.len() - 1;
    let to = random.below(draft.lines.len());
    draft.lines.swap(last, to);
}

/// Other white space around a value.
fn respace(random: &mut Random, draft: &mut Draft) {
    let at = random.below(draft.lines.len());
    let Some(line) = draft.lines.get_mut(at) else { return };
    let Some(colon) = line.iter().position(|&b| b == b':') else { return };
    let spaces: Words =
        &[b"", b" ", b"  ", b"\t", b" \t ", b"\x0b", b"\x0c", b"\r", b"\xa0", b"\x00"];
    let value = line[colon + 1..].trim_ascii().to_vec();
    line.truncate(colon);
    if random.one_in(8) {
        line.extend_from_slice(random.pick(spaces));
    }
    let (before, after) = (random.pick(spaces), random.pick(spaces));
    line.extend([b":", before, &value, after].concat());
}

fn recase(random: &mut Random, draft: &mut Draft) {
    let at = random.below(draft.lines.len());
    let Some(line) = draft.lines.get_mut(at) else { return };
    match random.below(3) {
        0 => line.make_ascii_uppercase(),
        1 => line.make_ascii_lowercase(),
        _ => line.iter_mut().step_by(2).for_each(u8::make_ascii_uppercase),
    }
}

fn repeat_line(random: &mut Random, draft: &mut Draft) {
    let at = random.below(draft.lines.len());
    if let Some(line) = draft.lines.get(at).cloned() {
        draft.lines.insert(random.below(draft.lines.len()), line);
    }
}

fn swap_lines(random: &mut Random, draft: &mut Draft) {
    if !draft.lines.is_empty() {
        let (a, b) = (random.below(draft.lines.len()), random.below(draft.lines.len()));
        draft.lines.swap(a, b);
    }
}

/// Two lines in one, with something between that some parser may take for a line's end.
fn join_lines(random: &mut Random, draft: &mut Draft) {
    if draft.lines.len() >= 2 {
        let at = random.below(draft.lines.len() - 1);
        let next = draft.lines.remove(at + 1);
        draft.lines[at].extend_from_slice(random.pick(words::LINE_ENDS));
        draft.lines[at].extend(next);
    }
}

fn fold(random: &mut Random, draft: &mut Draft) {
    let folded: Words = &[b" x", b"\tx", b" ", b"\t", b" chunked", b" X: y", b" : y"];
    let at = random.below(draft.lines.len() + 1);
    draft.lines.insert(at, random.pick(folded).to_vec());
}

fn add_length(random: &mut Random, draft: &mut Draft) {
    draft.set(b"Content-Length", random.pick(words::LENGTHS));
    if random.one_in(2) {
        draft.body = b"hello".to_vec();
    }
}

fn change_framing(random: &mut Random, draft: &mut Draft) {
    let frames = |line: &Vec<u8>| {
        line.starts_with(b"Content-Length") || line.starts_with(b"Transfer-Encoding")
    };
    if !random.one_in(4) {
        draft.lines.retain(|line| !frames(line));
    }
    let form = random.below(3);
    if form != 0 {
        draft.set(b"Content-Length", random.pick(words::LENGTHS));
        draft.body = b"hello".to_vec();
    }
    if form != 1 {
        draft.set(b"Transfer-Encoding", random.pick(words::CODINGS));
        draft.body = chunks(random, 5);
    }
}

fn change_chunks(random: &mut Random, draft: &mut Draft) {
    draft.lines.retain(|line| !line.starts_with(b"Content-Length"));
    draft.lines.retain(|line| !line.starts_with(b"Transfer-Encoding"));
    draft.set(b"Transfer-Encoding", b"chunked");
    if random.one_in(2) {
        draft.method = b"POST".to_vec();
    }
    draft.body = chunks(random, 12);
}

fn change_body(random: &mut Random, draft: &mut Draft) {
    let bodies: Words = &[
        b"",
        b"hell",
        b"hello",
        b"hello!",
        b"\r\n",
        b"0\r\n\r\n",
        b"hello\r\n",
        b"\0\xff\r\n\n",
        b"GET /in-the-body HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    draft.body = random.pick(bodies).to_vec();
    if random.one_in(2) {
        draft.lines.retain(|line| !line.starts_with(b"Content-Length"));
        let length = draft.body.len().to_string();
        draft.set(b"Content-Length", length.as_bytes());
    }
    if random.one_in(20) {
        draft.body = b"0123456789abcdef".repeat(random.below(4096));
        draft.lines.retain(|line| !line.starts_with(b"Content-Length"));
        let length = draft.body.len().to_string();
        draft.set(b"Content-Length", length.as_bytes());
    }
}

fn name_in_connection(random: &mut Random, draft: &mut Draft) {
    let mut value = random.pick(words::OPTIONS).to_vec();
    for _ in 0..random.below(3) {
        value.extend_from_slice(random.pick::<&[u8]>(&[b",", b", ", b" , ", b",,"]));
        value.extend_from_slice(random.pick(words::OPTIONS));
    }
    let name = random.pick::<&[u8]>(&[b"Connection", b"connection", b"Proxy-Connection"]);
    draft.set(name, &value);
    if random.one_in(2) {
        draft.set(random.pick(words::OPTIONS), random.pick(words::VALUES));
    }
}

fn expect(random: &mut Random, draft: &mut Draft) {
    let value = if random.one_in(2) { b"100-continue" } else { random.pick(words::EXPECTATIONS) };
    draft.set(b"Expect", value);
}

fn upgrade(random: &mut Random, draft: &mut Draft) {
    draft.set(b"Upgrade", random.pick(words::UPGRADES));
    if random.one_in(2) {
        draft.set(b"Connection", random.pick::<&[u8]>(&[b"upgrade", b"Upgrade, HTTP2-Settings"]));
    }
    if random.one_in(4) {
        draft.set(b"HTTP2-Settings", b"AAMAAABkAAQAAP__");
    }
}

fn many_fields(random: &mut Random, draft: &mut Draft) {
    if random.one_in(8) {
        for _ in 0..80 + random.below(30) {
            draft.set(random.pick(words::NAMES), b"1");
        }
    }
}

fn lengthen(random: &mut Random, draft: &mut Draft) {
    if random.one_in(8) {
        let long = b"a".repeat(random.pick(&[200, 1000, 4096, 8190, 20_000, 40_000]));
        match random.below(3) {
            0 => draft.target.extend(long),
            1 => draft.set(b"X-A", &long),
            _ => draft.set(&long, b"b"),
        }
    }
}

fn end_oddly(random: &mut Random, draft: &mut Draft) {
    let line = random.below(draft.lines.len() + 2);
    draft.odd_end = Some((line, random.pick(words::LINE_ENDS)));
}

fn begin_oddly(random: &mut Random, draft: &mut Draft) {
    let before: Words =
        &[b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b"\0", b"\r\n ", b"\xef\xbb\xbf"];
    draft.method = [random.pick(before), &draft.method].concat();
}

/// Knows nothing of HTTP.
fn change_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    let some = random.below(24).min(bytes.len() - at);
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 => drop(bytes.splice(at..at, random.pick(words::BYTES).iter().copied())),
        2 => drop(bytes.splice(at..at + some.min(1), random.pick(words::BYTES).iter().copied())),
        3 => drop(bytes.drain(at..at + some.min(1))),
        4 => drop(bytes.drain(at..at + some)),
        5 => {
            let copy = bytes[at..at + some].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, copy);
        }
        _ if at + 1 < bytes.len() => bytes.swap(at, at + 1),
        _ => {}
    }
}
