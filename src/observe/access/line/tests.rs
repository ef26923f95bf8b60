//! Lines of known requests, field by field.

use serde_json::{Value, json};

use super::*;

const HEADERS: [Header<'static>; 5] = [
    Header { name: "user-agent", value: b"curl/8 \"q\"" },
    Header { name: "Referer", value: b"http://r/" },
    Header { name: "X-A", value: b"1" },
    Header { name: "authorization", value: b"Basic secret" },
    Header { name: "x-a", value: b"2" },
];

fn asked() -> Asked<'static> {
    Asked {
        entry_point: "web",
        peer: "10.0.0.1",
        port: 4321,
        method: "GET",
        path: b"/a/b",
        query: b"?c=d",
        protocol: "HTTP/1.1",
        authority: b"h.org:8080",
        headers: &HEADERS,
    }
}

fn became() -> Became {
    Became {
        status: 200,
        took: Duration::from_micros(12_345),
        origin: Some(Duration::from_micros(12_000)),
        is_origins: true,
        received: 3,
        sent: 5,
        retries: 1,
    }
}

fn line(settings: AccessLog, asked: &Asked<'_>, became: &Became) -> String {
    let style = Style::new(settings);
    let (mut entry, mut line) = (Entry::new(), Vec::new());
    let clock = &mut Clock::default();
    let began = UNIX_EPOCH + Duration::new(1_136_214_245, 120_000_000);
    style.begin(&mut entry, asked, 7, (began, clock));
    entry.router = "app@swarm".to_owned();
    entry.service = "app@swarm".to_owned();
    entry.url = "http://10.0.1.5:80".to_owned();
    if style.keeps_headers() {
        let headers = [Header { name: "content-type", value: b"text/plain" }];
        style.answer(&mut entry, &headers, b"Set-Cookie: a=b; Path=/\r\n");
    }
    style.end(&entry, became, &mut line, clock);
    String::from_utf8(line).unwrap()
}

fn json_of(settings: AccessLog, asked: &Asked<'_>, became: &Became) -> Value {
    let line = line(AccessLog { format: AccessFormat::Json, ..settings }, asked, became);
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn common_is_traefiks() {
    let expected = "10.0.0.1 - - [02/Jan/2006:15:04:05 +0000] \"GET /a/b?c=d HTTP/1.1\" 200 5 \
                    \"http://r/\" \"curl/8 \\\"q\\\"\" 7 \"app@swarm\" \"http://10.0.1.5:80\" 12ms\n";
    assert_eq!(line(AccessLog::default(), &asked(), &became()), expected);
    let generic = AccessLog { format: AccessFormat::GenericClf, ..AccessLog::default() };
    let (expected, _) = expected.split_once(" 7 \"app").unwrap();
    assert_eq!(line(generic, &asked(), &became()), format!("{expected}\n"));
}

#[test]
fn nobody_forges_a_line() {
    let headers = [
        Header { name: "X-Forwarded-For", value: b"1.2.3.4\n5.6.7.8" },
        Header { name: "User-Agent", value: b"\x1b[31m\r\n" },
    ];
    let asked = Asked { headers: &headers, query: b"", ..asked() };
    let line = line(AccessLog::default(), &asked, &became());
    assert!(line.starts_with("1.2.3.4\\x0a5.6.7.8 - - ["), "{line}");
    assert!(line.contains("\"-\" \"\\x1b[31m\\x0d\\x0a\" 7"), "{line}");
}

#[test]
fn json_has_every_field() {
    let found = json_of(AccessLog::default(), &asked(), &became());
    let expected = json!({
        "ClientAddr": "10.0.0.1:4321", "ClientHost": "10.0.0.1", "ClientPort": "4321",
        "ClientUsername": "-", "DownstreamContentSize": 5, "DownstreamStatus": 200,
        "Duration": 12_345_000, "OriginContentSize": 5, "OriginDuration": 12_000_000,
        "OriginStatus": 200, "Overhead": 345_000, "RequestAddr": "h.org:8080",
        "RequestContentSize": 3, "RequestCount": 7, "RequestHost": "h.org",
        "RequestMethod": "GET", "RequestPath": "/a/b?c=d", "RequestPort": "8080",
        "RequestProtocol": "HTTP/1.1", "RequestScheme": "http", "RetryAttempts": 1,
        "RouterName": "app@swarm", "ServiceAddr": "10.0.1.5:80", "ServiceName": "app@swarm",
        "ServiceURL": "http://10.0.1.5:80", "StartLocal": "2006-01-02T15:04:05.12Z",
        "StartUTC": "2006-01-02T15:04:05.12Z", "entryPointName": "web",
        "level": "info", "msg": "", "time": "2006-01-02T15:04:05Z",
    });
    assert_eq!(found, expected);
    for name in ACCESS_FIELDS {
        assert!(!expected[name].is_null(), "{name} is tested");
    }
}

#[test]
fn fields_and_headers_have_modes() {
    let settings = AccessLog {
        keeps_fields: false,
        fields: [("requestpath".to_owned(), true)].into(),
        header_mode: HeaderMode::Keep,
        headers: [
            ("authorization".to_owned(), HeaderMode::Redact),
            ("referer".to_owned(), HeaderMode::Drop),
        ]
        .into(),
        keeps_query: false,
        ..AccessLog::default()
    };
    let found = json_of(settings, &asked(), &became());
    let expected = json!({
        "RequestPath": "/a/b", "request_User-Agent": "curl/8 \"q\"", "request_X-A": "1,2",
        "request_Authorization": "REDACTED", "origin_Content-Type": "text/plain",
        "downstream_Content-Type": "text/plain", "downstream_Set-Cookie": "a=b; Path=/",
        "level": "info", "msg": "", "time": "2006-01-02T15:04:05Z",
    });
    assert_eq!(found, expected);
    let nothing = AccessLog { keeps_fields: false, ..AccessLog::default() };
    let found = json_of(nothing, &asked(), &became());
    let expected = json!({ "level": "info", "msg": "", "time": "2006-01-02T15:04:05Z" });
    assert_eq!(found, expected);
}

#[test]
fn any_bytes_are_json() {
    let headers = [Header { name: "X-A", value: b"\xff\"\\\x01" }];
    let asked = Asked {
        path: b"/\xe2\x82",
        authority: b"[::1]",
        peer: "::1",
        headers: &headers,
        ..asked()
    };
    let settings = AccessLog { header_mode: HeaderMode::Keep, ..AccessLog::default() };
    let found = json_of(settings, &asked, &became());
    assert_eq!(found["request_X-A"], "\u{fffd}\"\\\u{1}");
    assert_eq!(found["RequestPath"], "/\u{fffd}\u{fffd}?c=d");
    assert_eq!(found["ClientAddr"], "[::1]:4321");
    assert_eq!((&found["RequestHost"], &found["RequestPort"]), (&json!("[::1]"), &json!("-")));
}

#[test]
fn what_could_not_be_read_has_a_line_too() {
    let refused = Became {
        status: 400,
        took: Duration::ZERO,
        origin: None,
        is_origins: false,
        received: 0,
        sent: 12,
        retries: 0,
    };
    let style = |format| Style::new(AccessLog { format, ..AccessLog::default() });
    let end = |format| {
        let mut line = Vec::new();
        style(format).end(&Entry::new(), &refused, &mut line, &mut Clock::default());
        String::from_utf8(line).unwrap()
    };
    let common = end(AccessFormat::Common);
    assert!(common.ends_with("] \"- - -\" 400 12 \"-\" \"-\" - \"-\" \"-\" 0ms\n"), "{common}");
    let json: Value = serde_json::from_str(&end(AccessFormat::Json)).unwrap();
    assert_eq!(json["DownstreamStatus"], 400);
    assert!(json.get("OriginStatus").is_none() && json.get("RouterName").is_none());
}
