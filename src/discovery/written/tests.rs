//! Files as people write them, change them and break them.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::model::{GroupKind, Rule};

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ringress-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// As editors do it: a new file takes the place of the old one.
    fn replace(&self, name: &str, text: &str) {
        self.write("new~", text);
        fs::rename(self.0.join("new~"), self.0.join(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn statics(flags: &str) -> Arc<Static> {
    let args: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    Arc::new(crate::config::load(&args, &[]).unwrap())
}

fn model(text: &str, format: Format) -> Model {
    let statics = statics("--providers.file.filename=/x.yml --entrypoints.web.address=:80");
    let mut texts = Texts::new("file", &statics);
    texts.take("x.yml", text, format);
    let mut model = texts.model(&Names::new());
    check::link(&mut model);
    model
}

fn said(model: &Model) -> Vec<String> {
    model.complaints.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_becomes_a_model() {
    let found = model(
        "http:\n  routers:\n    web:\n      rule: Host(`a.b`) && PathPrefix(`/x`)\n      service: all\n\
         \x20     entryPoints: [web]\n  services:\n    all:\n      weighted:\n        services:\n\
         \x20         - name: one\n            weight: 3\n          - name: two\n        sticky:\n\
         \x20         cookie: {}\n    one:\n      loadBalancer:\n        servers:\n\
         \x20         - url: http://10.0.0.1:8080\n          - url: http://10.0.0.2\n\
         \x20           weight: 2\n\
         \x20       healthCheck:\n          path: /health\n          interval: 3s\n\
         \x20   two:\n      loadBalancer:\n        strategy: p2c\n        servers: []\n",
        Format::Yaml,
    );
    let router = &found.routers["web@file"];
    assert_eq!(router.service, "all@file");
    assert!(matches!(&router.rule, Some(Rule::All(parts)) if parts.len() == 2));
    let GroupKind::Weighted { members, sticky } = &found.groups["all@file"].kind else {
        panic!("{:?}", found.groups)
    };
    let members: Vec<_> = members.iter().map(|m| (m.service.as_str(), m.weight)).collect();
    assert_eq!(members, [("one@file", 3), ("two@file", 1)]);
    assert!(sticky.is_some());
    let one = &found.services["one@file"];
    assert_eq!(one.servers.iter().map(|s| s.weight).collect::<Vec<_>>(), [1, 2]);
    let check = one.health_check.as_ref().unwrap();
    assert_eq!((check.path.as_str(), check.interval), ("/health", Duration::from_secs(3)));
}

/// As Traefik 1's documentation has it, but for what is not done yet.
const FIRST: &str = r#"
[backends.one.loadBalancer]
method = "wrr"
  [backends.one.loadBalancer.stickiness]
  cookieName = "stay"
[backends.one.healthcheck]
path = "/up"
interval = "3s"
[backends.one.responseForwarding]
flushInterval = "10ms"
[backends.one.servers.a]
url = "http://10.0.0.1:80"
weight = 10
[backends.one.servers.b]
url = "http://10.0.0.2:80"
[backends.two.maxconn]
amount = 10
extractorfunc = "request.host"
[frontends.f]
backend = "one"
passHostHeader = true
priority = 10
entrypoints = ["web"]
  [frontends.f.routes.host]
  rule = "Host:a.b"
  [frontends.f.routes.path]
  rule = "PathPrefix:/x"
[frontends.g]
backend = "two"
  [frontends.g.routes.all]
  rule = "Host:c"
"#;

#[test]
fn a_file_of_the_first_dialect() {
    let found = model(FIRST, Format::Toml);
    let said = said(&found);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].starts_with("x.yml: backends.two.maxConn is not supported yet"), "{said:?}");
    assert!(found.routers["g"].disabled.is_some());
    let router = &found.routers["f"];
    assert_eq!(
        (router.dialect, router.rule_text.as_str()),
        (Dialect::V1, "Host:a.b;PathPrefix:/x")
    );
    assert_eq!((router.priority, router.service.as_str()), (10, "one"));
    assert_eq!(
        (&router.disabled, router.entry_points.as_slice()),
        (&None, &["web".to_owned()][..])
    );
    let backend = &found.services["one"];
    assert_eq!(backend.servers.iter().map(|server| server.weight).collect::<Vec<_>>(), [10, 1]);
    assert_eq!(backend.sticky.as_ref().unwrap().cookie_name, "stay");
    let check = backend.health_check.as_ref().unwrap();
    assert_eq!((check.path.as_str(), check.interval), ("/up", Duration::from_secs(3)));
    assert!(backend.pass_host_header && !found.services["two"].pass_host_header);
}

#[test]
fn frontends_in_the_configuration_file_itself() {
    let folder = Folder::new("own");
    let head = "defaultEntryPoints = ['web']\n[file]\nwatch = false\n[entryPoints.web]\n";
    let text = format!("{head}address = ':80'\n{FIRST}");
    folder.write("traefik.toml", &text);
    let path = folder.0.join("traefik.toml");
    let statics = statics(&format!("--configFile={}", path.display()));
    assert_eq!(statics.complaints, []);
    let file = statics.file.clone().unwrap();
    assert!(file.is_own && !file.watch && file.path == path);
    let mut texts = Texts::new("file", &statics);
    texts.is_own = true;
    texts.take("traefik.toml", &text, Format::Toml);
    let found = texts.model(&Names::new());
    assert_eq!(found.routers.keys().collect::<Vec<_>>(), ["f", "g"]);
    assert_eq!(said(&found).len(), 1, "{:?}", said(&found));
}

#[test]
fn what_is_wrong_in_a_file_is_said_once_with_its_place() {
    for (text, expected) in [
        (
            "http:\n  routers:\n    r:\n      rule: Hots(`a`)\n      service: s\n",
            "x.yml: http.routers.r.rule=\"Hots(`a`)\" is a rule that is not understood: there is no \
             matcher \"Hots\" at character 1; did you mean Host?",
        ),
        (
            "http:\n  routers:\n    r:\n      service: s\n",
            "x.yml: http.routers.r.rule is missing, so its router is disabled; \
             write something like Host(`app.example.com`)",
        ),
        (
            "http:\n  services:\n    s:\n      loadBalancer:\n        servers:\n          - url: 10.0.0.1\n",
            "x.yml: http.services.s.loadBalancer.servers[0].url=\"10.0.0.1\" is not a URL of a \
             server, so the server is left out; use a form such as http://10.0.0.5:8080",
        ),
        (
            "http:\n  services:\n    s:\n      weighted: {}\n      loadBalancer: {}\n",
            "x.yml: http.services.s is of several kinds at once: loadBalancer, weighted; \
             give each service one kind",
        ),
        (
            "http:\n  services:\n    s:\n      mirroring:\n        service: t\n        mirrors:\n          - name: u\n            percent: 101\n",
            "x.yml: http.services.s.mirroring.mirrors[0].percent=\"101\" is not a percentage, so the \
             service is left out; use a number from 0 to 100",
        ),
        (
            "http:\n  middlewares:\n    m:\n      basicAuth:\n        users: [alone]\n",
            "x.yml: http.middlewares.m.basicAuth.users holds one that is not whole, so the routers \
             that use it are disabled; write name:hash, and $$ for each $ in a stack file",
        ),
        (
            "http:\n  services:\n    s:\n      loadbalancer:\n        helthcheck:\n          path: /\n",
            "x.yml: http.services.s.loadbalancer.helthcheck is not a known setting and is ignored; \
             did you mean http.services.s.loadbalancer.healthCheck?",
        ),
        (
            "htp:\n  routers: {}\n",
            "x.yml: htp is not a known setting and is ignored; did you mean http?",
        ),
        ("http: [\n", "x.yml: is broken at line 1, column 7: unclosed bracket '['; mend it there"),
        (
            "http:\n  routers:\n    {{ range $i }}\n",
            "x.yml: holds a Go template in line 3, which is not supported yet; write it out",
        ),
        (
            "frontends:\n  a: {backend: b}\nbackends:\n  b: {}\n",
            "x.yml: frontends.a.routes is missing, so its frontend is disabled; \
             add routes.one.rule with something like Host:app.example.com",
        ),
        (
            "frontends:\n  a: {backend: b, routes: {r: {rule: 'Hots:a'}}}\nbackends:\n  b: {}\n",
            "x.yml: frontends.a.routes=\"Hots:a\" is a rule that is not understood: there is no \
             function \"Hots\" at character 1; did you mean Host?",
        ),
        (
            "frontends:\n  a: {backend: b, routes: {r: {rule: 'Host:a'}}, basicAuth: [x]}\n\
             backends:\n  b: {}\n",
            "x.yml: frontends.a.basicAuth is not supported yet, and its router is disabled rather \
             than served without",
        ),
        (
            "frontends:\n  a: {backend: c, routes: {r: {rule: 'Host:a'}}}\n",
            "x.yml: the router a is disabled: there is no service c; name a service that exists",
        ),
        (
            "backends:\n  b:\n    servers:\n      one: {url: 10.0.0.1}\n",
            "x.yml: backends.b.servers.one.url=\"10.0.0.1\" is not a URL of a server, so the server \
             is left out; use a form such as http://10.0.0.5:8080",
        ),
    ] {
        let said = said(&model(text, Format::Yaml));
        assert!(said.len() == 1 && said[0].starts_with(expected), "{text}: {said:#?}");
    }
}

/// The last model, and how often one was put.
#[derive(Default)]
struct Shelf(RefCell<(usize, Model)>);

impl Desk for Shelf {
    fn put(&self, model: Model) {
        let mut shelf = self.0.borrow_mut();
        *shelf = (shelf.0 + 1, model);
    }

    fn read(&self, _: usize) {}

    fn lost(&self, _: &str) {}
}

impl Shelf {
    async fn until(&self, what: &str, holds: impl Fn(&Model) -> bool) {
        for _ in 0..500 {
            if holds(&self.0.borrow().1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: {:?}", self.0.borrow());
    }
}

fn routed(host: &str) -> String {
    format!("http:\n  routers:\n    r:\n      rule: Host(`{host}`)\n      service: s\n")
}

fn host(model: &Model, name: &str) -> Option<String> {
    match &model.routers.get(name)?.rule {
        Some(Rule::Host(host)) => Some(host.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_is_followed_and_a_broken_one_keeps_what_it_said() {
    let folder = Folder::new("followed");
    folder.write("a.yml", &routed("one"));
    let path = folder.0.join("a.yml").display().to_string();
    let statics = statics(&format!("--providers.file.filename={path}"));
    let written = Written::all(&statics).remove(0);
    let shelf = Shelf::default();
    let play = async {
        let is = |wanted: &'static str| {
            move |model: &Model| host(model, "r@file").as_deref() == Some(wanted)
        };
        shelf.until("first", is("one")).await;
        folder.write("a.yml", &routed("two"));
        shelf.until("written", is("two")).await;
        folder.replace("a.yml", &routed("three"));
        shelf.until("replaced", is("three")).await;
        folder.write("a.yml", "http: [");
        shelf.until("broken", |model| !model.complaints.is_empty()).await;
        assert!(is("three")(&shelf.0.borrow().1));
        let said = said(&shelf.0.borrow().1).remove(0);
        assert!(said.contains("a.yml: is broken at line 1") && said.contains("stands"), "{said}");
        fs::remove_file(folder.0.join("a.yml")).unwrap();
        shelf.until("gone", |m| said_of(m).contains("cannot be read")).await;
        assert!(is("three")(&shelf.0.borrow().1));
        folder.write("a.yml", &routed("four"));
        shelf.until("back", |m| is("four")(m) && m.complaints.is_empty()).await;
        // Nothing more happens where nothing changes.
        let before = shelf.0.borrow().0;
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(shelf.0.borrow().0, before);
    };
    tokio::select! {
        () = written.follow(&shelf) => {}
        () = play => {}
    }
}

fn said_of(model: &Model) -> String {
    said(model).join("\n")
}

#[tokio::test(flavor = "current_thread")]
async fn a_folder_is_followed() {
    let folder = Folder::new("folder");
    folder.write("a.yml", &routed("one"));
    folder.write("ignored.txt", "x");
    let path = folder.0.display().to_string();
    let statics = statics(&format!("--providers.file.directory={path}"));
    let written = Written::all(&statics).remove(0);
    let shelf = Shelf::default();
    let play = async {
        shelf.until("first", |m| host(m, "r@file").as_deref() == Some("one")).await;
        fs::create_dir(folder.0.join("below")).unwrap();
        folder.write("below/b.toml", "[http.routers.q]\nrule = 'Host(`q`)'\nservice = 's'\n");
        shelf.until("another", |m| host(m, "q@file").as_deref() == Some("q")).await;
        folder.write("c.yml", &routed("other"));
        shelf
            .until("twice", |m| said_of(m).contains("c.yml: the router r@file is defined in"))
            .await;
        assert_eq!(host(&shelf.0.borrow().1, "r@file").as_deref(), Some("one"));
        fs::remove_file(folder.0.join("a.yml")).unwrap();
        shelf.until("removed", |m| host(m, "r@file").as_deref() == Some("other")).await;
    };
    tokio::select! {
        () = written.follow(&shelf) => {}
        () = play => {}
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_http_server_is_asked_again_and_again() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = RefCell::new(vec![]);
    let serve = async {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = client.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            assert!(request.starts_with("get /c?x=1 http/1.1\r\n"), "{request}");
            assert!(request.contains("\r\nx-token: t\r\n"), "{request}");
            let answer: String = answers.borrow().last().cloned().unwrap_or_default();
            client.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    let answer = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        answers.borrow_mut().push(format!("{head}{body}"));
    };
    let json = |host: &str| {
        format!(r#"{{"http":{{"routers":{{"r":{{"rule":"Host(`{host}`)","service":"s"}}}}}}}}"#)
    };
    answer("200 OK", &json("one"));
    let statics = statics(&format!(
        "--providers.http.endpoint=http://localhost:{port}/c?x=1 --providers.http.pollInterval=20ms \
         --providers.http.headers.X-Token=t"
    ));
    let written = Written::all(&statics).remove(0);
    let shelf = Shelf::default();
    let play = async {
        shelf.until("first", |m| host(m, "r@http").as_deref() == Some("one")).await;
        answer("500 Oh", "");
        shelf.until("refused", |m| said_of(m).contains("answers with status 500")).await;
        assert_eq!(host(&shelf.0.borrow().1, "r@http").as_deref(), Some("one"));
        answer("200 OK", &json("two"));
        shelf.until("next", |m| host(m, "r@http").as_deref() == Some("two")).await;
    };
    tokio::select! {
        () = written.follow(&shelf) => {}
        () = serve => {}
        () = play => {}
    }
}
