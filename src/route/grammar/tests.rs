//! What each dialect's grammar takes, refuses, and says about it.

use proptest::prelude::*;

use super::*;
use crate::model::Dialect::{V1, V2, V3};
use crate::route::{Destination, Routes};

fn host(name: &str) -> Rule {
    Rule::Host(name.to_owned())
}

fn method(name: &str) -> Rule {
    Rule::Method(name.to_owned())
}

fn prefix(path: &str) -> Rule {
    Rule::PathPrefix(path.to_owned())
}

fn rule(dialect: Dialect, text: &str) -> Rule {
    parse(dialect, text).unwrap_or_else(|error| panic!("{text}: {error}")).rule
}

fn complaint(dialect: Dialect, text: &str) -> String {
    parse(dialect, text).expect_err(text).to_string()
}

#[test]
fn the_users_rule() {
    let parsed = parse(V1, "Method: GET, POST, PUT").unwrap();
    assert_eq!(parsed.rule, Rule::Any(vec![method("GET"), method("POST"), method("PUT")]));
    assert_eq!(parsed.priority, 22);
}

#[test]
fn first_dialect() {
    assert_eq!(rule(V1, "Host:A.Example.com"), host("a.example.com"));
    assert_eq!(rule(V1, " Host: a.example:8080 ; "), host("a.example"));
    assert_eq!(
        rule(V1, "Host:a,b;PathPrefix:/x;Method:get"),
        Rule::All(vec![Rule::Any(vec![host("a"), host("b")]), prefix("/x"), method("GET")])
    );
    assert_eq!(rule(V1, "Path: /x:y"), Rule::Path("/x:y".to_owned()));
    assert_eq!(
        rule(V1, "Headers: X-A, 1, X-B, 2"),
        Rule::All(vec![
            Rule::Header("x-a".to_owned(), "1".to_owned()),
            Rule::Header("x-b".to_owned(), "2".to_owned()),
        ])
    );
}

#[test]
fn first_dialect_says_what_is_wrong() {
    for (text, expected) in [
        ("", "the rule is empty at character 1; write something like Host: app.example.com"),
        ("Hots: a", "there is no function \"Hots\" at character 1; did you mean Host?"),
        ("Host:a; hosts: b", "there is no function \"hosts\" at character 9; did you mean Host?"),
        (
            "Host:",
            "the function Host has no argument at character 1; write Name: argument, argument",
        ),
        ("Host:a; Path: x", "the path \"x\" does not start with a slash at character 15; write /x"),
        (
            "Headers: a",
            "a header name stands without a value at character 10; write Headers: name, value",
        ),
    ] {
        assert_eq!(complaint(V1, text), expected, "{text}");
    }
    assert!(
        complaint(V1, "PathPrefixStrip:/x").contains("known to Traefik 1 but not supported yet")
    );
    assert!(complaint(V1, "PathPrefix:/{x").contains("the braces of \"/{x\" do not match"));
    assert!(complaint(V1, "Query: a").contains("write name=value"));
    assert!(complaint(V1, "Host:bücher.example").contains("punycode"));
    assert!(complaint(V1, "Host(`a`)").contains("the grammar of Traefik 2"));
}

#[test]
fn later_dialects() {
    for dialect in [V2, V3] {
        assert_eq!(rule(dialect, "Host(`A.example.com.`)"), host("a.example.com"));
        assert_eq!(
            rule(dialect, "Host(`a`)&&PathPrefix(\"/x\") || !Method(`get`)"),
            Rule::Any(vec![
                Rule::All(vec![host("a"), prefix("/x")]),
                Rule::Not(Box::new(method("GET"))),
            ])
        );
        assert_eq!(
            rule(dialect, "Host(`a`) && (Path(`/b`) || Path(`/c`))"),
            Rule::All(vec![
                host("a"),
                Rule::Any(vec![Rule::Path("/b".to_owned()), Rule::Path("/c".to_owned())]),
            ])
        );
        for spelling in ["PathPrefix", "pathprefix", "PATHPREFIX", "Pathprefix"] {
            assert_eq!(rule(dialect, &format!("{spelling}(`/x`)")), prefix("/x"));
        }
        assert_eq!(
            rule(dialect, r#"Headers(`X-A`, "say \"x\"")"#),
            Rule::Header("x-a".to_owned(), "say \"x\"".to_owned())
        );
        assert_eq!(rule(dialect, "Host(`a`, `b`)"), Rule::Any(vec![host("a"), host("b")]));
    }
}

#[test]
fn what_the_later_dialects_differ_in() {
    assert!(parse(V2, "HostHeader(`a`)").unwrap().notes.is_empty());
    assert_eq!(parse(V3, "HostHeader(`a`)").unwrap().notes.len(), 1);
    assert!(parse(V2, "Host(`a`, `b`)").unwrap().notes.is_empty());
    assert_eq!(parse(V3, "Host(`a`, `b`)").unwrap().notes.len(), 1);
    assert_eq!(rule(V3, "PathPrefix(`/{x}`)"), prefix("/%7Bx%7D"));
    assert_eq!(rule(V2, "PathPrefix(`/{x}`)"), rule(V3, "PathRegexp(`^/(?:[^/]+)`)"));
    assert_eq!(rule(V3, "Host(`*`)"), Rule::All(Vec::new()));
    assert_eq!(rule(V2, "HostRegexp(`a.b`)"), rule(V3, r"HostRegexp(`(?i)^a\.b$`)"));
    let (a, b) = (Rule::Query("a".into(), "1".into()), Rule::Query("b".into(), "2".into()));
    assert_eq!(rule(V2, "Query(`a=1`, `b=2`)"), Rule::All(vec![a.clone(), b]));
    assert_eq!(rule(V2, "Query(`a`, `1`)"), a);
    assert_eq!(rule(V3, "Query(`a`, `1`)"), a);
    assert_eq!(rule(V3, "Query(`a=1`)"), Rule::Query("a=1".into(), String::new()));
}

/// What each rule matches and what not: host, target, header `X-A`, peer.
#[test]
fn every_matcher_matches() {
    type Ask = (&'static str, &'static str, &'static str, &'static str);
    let found = |dialect, text: &str, (host, target, value, client): Ask| {
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let headers = [httparse::Header { name: "x-A", value: value.as_bytes() }];
        let subject = crate::route::Subject {
            host: host.as_bytes(),
            path: path.as_bytes(),
            method: b"GET",
            headers: &headers,
            query: query.as_bytes(),
            client,
        };
        let rule = rule(dialect, text);
        let routes = Routes::compile([(&rule, 1, Destination::default())].into_iter());
        routes.find(&subject).is_some()
    };
    let at = |host, target| (host, target, "v", "10.1.2.3");
    for (dialect, text, yes, no) in [
        (V1, "HostRegexp: {sub:[a-z]+}.b", at("a.b", "/"), at("a.a.b", "/")),
        (V1, "HostRegexp: {sub}.b.c", at("x1.b.c", "/"), at("x.y.b.c", "/")),
        (V1, "Path: /x/{id:[0-9]{2}}", at("h", "/x/12"), at("h", "/x/123")),
        (V1, "PathPrefix: /x/{id}/y", at("h", "/x/1/yz"), at("h", "/x/1/2/y")),
        (V1, "HeadersRegexp: X-A, ^v+$", ("h", "/", "vv", ""), ("h", "/", "vw", "")),
        (V1, "Query: a=1, b={x:2+}", at("h", "/?b=22&a=1"), at("h", "/?a=1")),
        (V2, "Query(`a=`)", at("h", "/?a=x"), at("h", "/?b=x")),
        (V2, "HostRegexp(`{x:[a-z]+}.b`)", at("a.b", "/"), at("a.bc", "/")),
        (V2, "Path(`/a/{x}`)", at("h", "/a/b%20c"), at("h", "/a/b/c")),
        (V2, "ClientIP(`10.0.0.0/8`, `::1`)", at("h", "/"), ("h", "/", "", "11.0.0.1")),
        (V3, r"HostRegexp(`^[a-z]+\.b$`)", at("a.b", "/"), at("1.b", "/")),
        (V3, "Host(`*.b.c`)", at("a.b.c", "/"), at("a.a.b.c", "/")),
        (V3, "Host(`*.b.c`)", at("a.b.c", "/"), at("b.c", "/")),
        (V3, "PathRegexp(`ab c`)", at("h", "/xab%20c"), at("h", "/ab%2Fc")),
        (V3, "PathRegexp(`^/%2F`)", at("h", "/%2Fx"), at("h", "//x")),
        (V3, "Path(`/a b`)", at("h", "/a%20b"), at("h", "/a+b")),
        (V3, "Path(`/ä%2f`)", at("h", "/%C3%A4%2F"), at("h", "/%C3%A4/")),
        (V3, "Path(`/%zz`)", at("h", "/%25zz"), at("h", "/zz")),
        (V3, "Path(`/%00`)", at("h", "/%00"), at("h", "/%2500")),
        (V3, "HeaderRegexp(`X-A`, `^[uv]$`)", at("h", "/"), ("h", "/", "w", "")),
        (V3, "Query(`a`)", at("h", "/?a="), at("h", "/?a=1")),
        (V3, "Query(`a b`, `ä`)", at("h", "/?a+b=%C3%A4"), at("h", "/?a+b=&%C3%A4")),
        (V3, "Query(`a`, `2`)", at("h", "/?a=1&a=2"), at("h", "/?a=1&b=2")),
        (V3, "QueryRegexp(`a`, `^[0-9]+$`)", at("h", "/?a=12"), at("h", "/?a=x")),
        (V3, "ClientIP(`10.1.2.3`)", at("h", "/"), ("h", "/", "", "fe80::1")),
    ] {
        assert!(found(dialect, text, yes), "{text} and {yes:?}");
        assert!(!found(dialect, text, no), "{text} and {no:?}");
    }
}

#[test]
fn later_dialects_say_what_is_wrong() {
    for (text, expected) in [
        ("Hsot(`a`)", "there is no matcher \"Hsot\" at character 1; did you mean Host?"),
        ("Host(`a`) && Foo(`b`)", "there is no matcher \"Foo\" at character 14; use one of"),
        ("Host(a)", "an argument of Host is not quoted at character 6; write Host(`argument`)"),
        ("Host(``)", "an argument of Host is empty at character 6"),
        ("Host()", "Host has no argument at character 6; write Host(`argument`)"),
        ("Host(`a`", "the parenthesis of Host is not closed at character 9"),
        ("Host(`a", "a backtick is not closed at character 6"),
        ("Host(`a`) &&", "a matcher was expected instead of the end at character 13"),
        ("Host(`a`))", "a closing parenthesis has no opening one at character 10"),
        ("(Host(`a`)", "a closing parenthesis is missing at character 11"),
        ("Host: a", "Host has no parenthesis at character 5; write Host(`argument`)"),
        ("Header(`a`)", "a header name of Header stands without a value at character 1"),
        ("HostSNI(`*`)", "the matcher HostSNI is known to Traefik but not supported yet"),
        ("HostRegexp(`(`)", "\"(\" is not a regular expression (unclosed group) at character 12"),
        ("Host(`a.*`)", "the host \"a.*\" holds a pattern at character 6; write HostRegexp"),
        ("Query(`a`, `b`, `c`)", "Query has more than two arguments at character 1"),
        ("ClientIP(`x`)", "\"x\" is no address and no network at character 10; use 10.0.0.0/8"),
    ] {
        let said = complaint(V3, text);
        assert!(said.starts_with(expected), "{text}: {said}");
    }
    assert!(complaint(V3, "Host(`ü`) && Host(`a`)").contains("punycode"));
    assert!(complaint(V3, "Hoste(`é`)").contains("character 1"));
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}Host(`a`){}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(V3, &nested(MAX_DEPTH - 1)).is_ok());
    assert!(complaint(V3, &nested(MAX_DEPTH)).contains("nested"));
    assert!(complaint(V3, &"!".repeat(5000)).contains("nested"));
    assert!(complaint(V1, &"x".repeat(MAX_RULE_BYTES + 1)).contains("longer"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        for dialect in [V1, V2, V3] {
            let _ = parse(dialect, &text).map_err(|error| error.to_string());
        }
    }

    #[test]
    fn nothing_like_a_rule_panics(
        text in "((Host|Path|PathPrefix|Headers?|Method|é)?[:(`\", )&|!;/{}*.\\[\\]\\\\]{0,3}[a-zé]?){0,8}"
    ) {
        for dialect in [V1, V2, V3] {
            if let Err(error) = parse(dialect, &text) {
                prop_assert!(error.position <= text.chars().count() + 1);
            }
        }
    }
}
