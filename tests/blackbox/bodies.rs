//! Bodies, in both directions, whole to the last byte.

use std::fmt::Write as _;
use std::process::Command;

use sha2::Digest as _;

use crate::backends::Mock;
use crate::harness::{Driver, both_drivers};
use crate::heads::{behind, single};

both_drivers!(
    lengths_arrive_whole_at_the_client,
    chunks_arrive_whole_at_the_client,
    lengths_arrive_whole_at_the_backend,
    chunks_arrive_whole_at_the_backend,
    expect_continue_by_hand,
    curl_posts_a_big_body,
    body_until_close_is_told_from_a_cut,
    events_are_not_held_back,
);

const SIZES: [usize; 6] = [0, 1, 100, 16 * 1024, 100 * 1024, 5 * 1024 * 1024];

/// What the echo backend makes up, and what we send: byte `i` is `i mod 251`.
fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 251) as u8).collect()
}

fn checksum(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn assert_same(got: &[u8], sent: &[u8]) {
    assert_eq!(got.len(), sent.len());
    assert!(got == sent, "same length, other bytes");
}

fn lengths_arrive_whole_at_the_client(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for size in SIZES {
        let answer = conn.get(&format!("/__echo/bytes/{size}"), &[]);
        assert_eq!(answer.header("content-length"), Some(&*size.to_string()));
        assert_same(&answer.body, &pattern(size));
    }
}

fn chunks_arrive_whole_at_the_client(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for size in SIZES {
        let answer = conn.get(&format!("/__echo/chunked/{size}"), &[]);
        assert_eq!(answer.status, 200);
        assert_same(&answer.body, &pattern(size));
    }
}

fn lengths_arrive_whole_at_the_backend(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for size in SIZES {
        let body = pattern(size);
        let page = conn.request("POST", "/", &[], &body).text();
        assert!(page.contains(&format!("Body: {size} bytes\n")), "{size}: {page}");
        assert!(page.contains(&checksum(&body)), "{size}: {page}");
    }
}

fn chunks_arrive_whole_at_the_backend(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for (size, piece) in [(0, 1), (1, 1), (1000, 7), (100 * 1024, 4099), (5 << 20, 65536)] {
        let body = pattern(size);
        conn.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in body.chunks(piece) {
            conn.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        }
        conn.send("0\r\n\r\n");
        let page = conn.response("POST").text();
        assert!(page.contains(&format!("Body: {size} bytes\n")), "{size}: {page}");
        assert!(page.contains(&checksum(&body)), "{size}: {page}");
    }
}

fn expect_continue_by_hand(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    for _ in 0..2 {
        conn.send(
            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        );
        let go = conn.response("POST");
        assert_eq!(go.status, 100, "nothing of the body was sent yet");
        conn.send("hello");
        let page = conn.response("POST");
        assert!(page.text().contains("Body: 5 bytes"), "{}", page.text());
    }
}

fn curl_posts_a_big_body(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let body = pattern(1 << 20);
    let number = format!("{}-{}", std::process::id(), lb.entry.ip());
    let file = std::env::temp_dir().join(format!("ringress-body-{number}"));
    std::fs::write(&file, &body).expect("write the body");
    let out = Command::new("curl")
        .args(["-sS", "--max-time", "10", "-H", "Expect: 100-continue", "--data-binary"])
        .arg(format!("@{}", file.display()))
        .args(["-w", "time=%{time_total}", &format!("http://{}/", lb.entry)])
        .output();
    let _ = std::fs::remove_file(&file);
    let out = out.expect("curl is installed");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    assert!(text.contains(&checksum(&body)), "{text}");
    let seconds: f64 = text.rsplit("time=").next().and_then(|t| t.parse().ok()).expect("a time");
    // curl sends anyway after a second without a 100: that it did not wait shows the 100 came.
    assert!(seconds < 0.9, "took {seconds} s: did the 100 come?");
}

fn body_until_close_is_told_from_a_cut(driver: Driver) {
    let mock = Mock::until_close();
    let (_engine, lb) = behind(driver, &mock, &[]);
    for _ in 0..3 {
        let mut conn = lb.connect();
        let answer = conn.get("/", &[]);
        assert_eq!((answer.status, answer.text().as_str()), (200, "all of it"));
    }
}

fn events_are_not_held_back(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut conn = lb.connect();
    conn.send("GET /__echo/sse HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut got = String::new();
    let begun = std::time::Instant::now();
    while !got.contains("data: 2\n") {
        got.push_str(&String::from_utf8_lossy(&conn.exactly(1).expect("an event")));
    }
    // Three events are 400 ms apart at the source.
    assert!(begun.elapsed().as_millis() < 3000, "three events took {:?}", begun.elapsed());
}
