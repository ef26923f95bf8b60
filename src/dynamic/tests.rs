//! The language, written as labels and as files.

use serde_json::json;

use super::*;

/// Labels without their `traefik.`.
fn labels(pairs: &[(&str, &str)]) -> Configuration {
    let mut root = Node::new("traefik");
    for (path, value) in pairs {
        root.insert(path, value).expect("not too deep");
    }
    read(&root, "traefik")
}

fn file(value: &serde_json::Value) -> Configuration {
    read(&Node::of_json("", value).expect("not too deep"), "")
}

fn shape<T: serde::Serialize>(named: &Named<T>, name: &str) -> serde_json::Value {
    serde_json::to_value(named[name].as_ref().expect("no flaw")).expect("a shape")
}

#[test]
fn every_middleware_is_read_and_written_back() {
    for (kind, options) in [
        ("addPrefix", json!({ "prefix": "/x" })),
        ("stripPrefix", json!({ "prefixes": ["/a", "/b"], "forceSlash": false })),
        ("stripPrefixRegex", json!({ "regex": ["^/[0-9]+"] })),
        ("replacePath", json!({ "path": "/x" })),
        ("replacePathRegex", json!({ "regex": "^/a", "replacement": "/b" })),
        ("chain", json!({ "middlewares": ["a", "b@file"] })),
        ("ipWhiteList", json!({ "sourceRange": ["10.0.0.0/8"] })),
        (
            "ipAllowList",
            json!({ "sourceRange": ["10.0.0.0/8"], "rejectStatusCode": 404,
                "ipStrategy": { "depth": 2, "excludedIPs": ["::1"], "ipv6Subnet": 64 } }),
        ),
        (
            "headers",
            json!({ "customRequestHeaders": { "X-A": "1", "Host": "" }, "frameDeny": true,
                "customResponseHeaders": { "X-B": "2" }, "accessControlMaxAge": 0,
                "accessControlAllowOriginList": ["*"], "stsSeconds": 31536000,
                "forceSTSHeader": true, "browserXssFilter": true, "sslRedirect": true,
                "customBrowserXSSValue": "1", "sslProxyHeaders": { "X-P": "https" } }),
        ),
        ("encodedCharacters", json!({ "allowEncodedSlash": true })),
        (
            "errors",
            json!({ "status": ["404", "500-599"], "service": "e", "query": "/{status}.html",
                "statusRewrites": { "418": 404 } }),
        ),
        (
            "rateLimit",
            json!({ "average": 100, "period": "1m0s", "burst": 50,
                "sourceCriterion": { "requestHeaderName": "X-A", "requestHost": true } }),
        ),
        ("redirectRegex", json!({ "regex": "^a", "replacement": "b", "permanent": true })),
        ("redirectScheme", json!({ "scheme": "https", "port": "443", "permanent": true })),
        ("basicAuth", json!({ "users": ["a:$apr1$x", "b:y"], "realm": "r", "removeHeader": true })),
        ("digestAuth", json!({ "usersFile": "/users", "headerField": "X-User" })),
        (
            "forwardAuth",
            json!({ "address": "http://auth/", "maxBodySize": -1, "trustForwardHeader": true,
                "authResponseHeaders": ["X-A"], "tls": { "ca": "/ca", "insecureSkipVerify": true },
                "authSigninURL": "https://in" }),
        ),
        ("inFlightReq", json!({ "amount": 10, "sourceCriterion": { "requestHost": true } })),
        ("buffering", json!({ "maxRequestBodyBytes": 5, "retryExpression": "Attempts() < 2" })),
        (
            "circuitBreaker",
            json!({ "expression": "NetworkErrorRatio() > 0.5", "checkPeriod": "100ms",
                "fallbackDuration": "10s", "recoveryDuration": "10s", "responseCode": 503 }),
        ),
        ("compress", json!({ "encodings": ["gzip"], "minResponseBodyBytes": 1024 })),
        ("passTLSClientCert", json!({ "pem": true, "info": { "subject": { "country": true } } })),
        (
            "retry",
            json!({ "attempts": 4, "initialInterval": "100ms", "maxRequestBodyBytes": 2097152 }),
        ),
        ("contentType", json!({ "autoDetect": false })),
        ("grpcWeb", json!({ "allowOrigins": ["*"] })),
        ("plugin", json!({ "mine": { "a": "1", "b": ["x", "y"] } })),
    ] {
        let all = json!({ "http": { "middlewares": { "m": { kind: options } } } });
        let read = file(&all);
        assert!(read.unknown.is_empty(), "{:?}", read.unknown);
        assert_eq!(shape(&read.middlewares, "m"), json!({ kind: options }));
        // The same as labels: every list of texts is one text.
        let mut pairs = Vec::new();
        flatten(&format!("http.middlewares.m.{kind}"), &options, &mut pairs);
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let mut labelled = shape(&labels(&pairs).middlewares, "m");
        if kind == "plugin" {
            // Nobody knows what its options are.
            labelled[kind]["mine"]["b"] = json!(["x", "y"]);
        }
        assert_eq!(labelled, json!({ kind: options }));
    }
}

fn flatten(path: &str, value: &serde_json::Value, to: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, to));
        }
        serde_json::Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(serde_json::Value::as_str).collect();
            to.push((path.to_lowercase(), texts.join(", ")));
        }
        serde_json::Value::String(text) => to.push((path.to_owned(), text.clone())),
        other => to.push((path.to_owned(), other.to_string())),
    }
}

#[test]
fn a_name_brings_a_part_into_being_and_false_removes_it() {
    let read = labels(&[
        ("http.services.a.loadbalancer", "true"),
        ("http.services.b.loadbalancer.sticky", "true"),
        ("http.services.c.loadbalancer.sticky.cookie.httponly", "true"),
        ("http.services.d.loadbalancer.sticky", "false"),
        ("http.services.e.loadbalancer.server.port", "80"),
        ("http.middlewares.a.compress", "true"),
        ("http.routers.a.tls", "true"),
        ("http.routers.b.tls", "false"),
    ]);
    let service = |name: &str| shape(&read.services, name)["loadBalancer"].clone();
    let plain = json!({ "strategy": "wrr", "passHostHeader": true });
    assert_eq!(service("a"), plain);
    assert_eq!(service("b")["sticky"], json!({ "cookie": { "path": "/" } }));
    assert_eq!(service("c")["sticky"], json!({ "cookie": { "path": "/", "httpOnly": true } }));
    assert_eq!(service("d"), plain);
    assert_eq!(
        read.services["e"].as_ref().unwrap().load_balancer.as_ref().unwrap().servers[0].port,
        "80"
    );
    let all = json!({ "compress": { "encodings": ["gzip", "br", "zstd"] } });
    assert_eq!(shape(&read.middlewares, "a"), all);
    assert_eq!(shape(&read.routers, "a"), json!({ "tls": {} }));
    assert_eq!(shape(&read.routers, "b"), json!({}));
}

#[test]
fn what_is_wrong_names_its_place_and_costs_itself_alone() {
    let read = labels(&[
        ("http.routers.good.rule", "Path(`/`)"),
        ("http.Routers.bad.Priority", "high"),
        ("http.services.s.loadbalancer.passhostheader", "perhaps"),
        ("http.services.t.loadbalancer", "80"),
        ("http.middlewares.r.ratelimit.period", "5 minutes"),
        ("http.middlewares.i.ipallowlist.rejectstatuscode", "70000"),
        ("http.middlewares.m.redirectscheme.permanent.x", "true"),
        ("http.routers.good.midlewares", "a"),
        ("http.rooters.x.rule", "Path(`/`)"),
    ]);
    let flaw = |flaw: &Flaw| (flaw.setting.clone(), flaw.value.clone(), flaw.problem.clone());
    let is = |setting: &str, value: &str, problem: &str| {
        (format!("traefik.http.{setting}"), value.to_owned(), problem.to_owned())
    };
    assert!(read.routers["good"].is_ok());
    assert_eq!(
        flaw(read.routers["bad"].as_ref().unwrap_err()),
        is("routers.bad.Priority", "high", "is not a whole number")
    );
    let services: Vec<_> = read.services.values().map(|s| flaw(s.as_ref().unwrap_err())).collect();
    assert_eq!(
        services,
        [
            is("services.s.loadbalancer.passhostheader", "perhaps", "is neither true nor false"),
            is("services.t.loadbalancer", "80", "has options and no value"),
        ]
    );
    let middlewares: Vec<_> =
        read.middlewares.values().map(|m| flaw(m.as_ref().unwrap_err())).collect();
    assert_eq!(
        middlewares,
        [
            is("middlewares.i.ipallowlist.rejectstatuscode", "70000", "is out of range"),
            is("middlewares.m.redirectscheme.permanent", "", "takes a value and nothing below it"),
            is("middlewares.r.ratelimit.period", "5 minutes", "is not a duration"),
        ]
    );
    let unknown: Vec<_> =
        read.unknown.iter().map(|u| (u.setting.as_str(), u.nearest.as_deref())).collect();
    assert_eq!(
        unknown,
        [
            ("traefik.http.rooters", Some("traefik.http.routers")),
            ("traefik.http.routers.good.midlewares", Some("traefik.http.routers.good.middlewares")),
        ]
    );
}
