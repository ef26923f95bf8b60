//! Dynamic configuration in a file: served, changed, broken, mended.

use std::path::{Path, PathBuf};

use crate::backends::{Echo, echoes};
use crate::engine::EFFECT;
use crate::harness::{BACKEND_PORT, Driver, Lb, both_drivers, eventually, fresh_address};

both_drivers!(a_file_is_served_and_followed, a_broken_file_changes_nothing);

/// A file of its own, removed in the end.
pub struct Dynamic(PathBuf);

impl Dynamic {
    pub fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ringress-{}.yml", fresh_address()));
        std::fs::write(&path, text).expect("write");
        Self(path)
    }

    pub fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("write");
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("read")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dynamic {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A router to each service of that name, by path.
fn routed(services: &[(&str, &[&Echo])]) -> String {
    let mut text = String::from("http:\n  routers:\n");
    for (name, _) in services {
        text += &format!("    {name}:\n      rule: PathPrefix(`/{name}`)\n      service: {name}\n");
    }
    text += "  services:\n";
    for (name, servers) in services {
        text += &format!("    {name}:\n      loadBalancer:\n        servers:\n");
        for server in *servers {
            text += &format!("          - url: {}\n", server.url());
        }
    }
    text
}

fn wait_for(lb: &Lb, path: &str, backend: &str) {
    eventually(&format!("{path} is answered by {backend}"), EFFECT, || {
        (lb.get(path, &[]).backend() == Some(backend)).then_some(())
    });
}

fn a_file_is_served_and_followed(driver: Driver) {
    let echoes = echoes(&["one", "two"]);
    let file = Dynamic::new(&routed(&[("a", &[&echoes[0]])]));
    let lb = Lb::start_written(driver, &file.0, &[]);
    wait_for(&lb, "/a", "one");
    assert_eq!(lb.get("/b", &[]).status, 404);
    file.write(&routed(&[("a", &[&echoes[1]]), ("b", &[&echoes[0]])]));
    wait_for(&lb, "/b", "one");
    wait_for(&lb, "/a", "two");
    file.write(&routed(&[("b", &[&echoes[0]])]));
    eventually("the router is gone", EFFECT, || (lb.get("/a", &[]).status == 404).then_some(()));
    let shown = lb.web("/api/rawdata").text();
    assert!(shown.contains("b@file") && !shown.contains("a@file"), "{shown}");
}

fn a_broken_file_changes_nothing(driver: Driver) {
    let echo = Echo::start("good");
    let good = routed(&[("a", &[&echo])]);
    let file = Dynamic::new(&good);
    let lb = Lb::start_written(driver, &file.0, &[]);
    wait_for(&lb, "/a", "good");
    file.write(&good.replace("rule: PathPrefix", "rule: [PathPrefix"));
    let name = file.0.display().to_string();
    lb.process.wait_for_log(&[&name, "is broken at line 5", "what it said before stands"]);
    assert_eq!(lb.get("/a", &[]).backend(), Some("good"));
    // A bad element costs itself alone.
    let more = "  middlewares:\n    m:\n      ratelimit:\n        average: many\n";
    file.write(&format!("{good}{more}"));
    lb.process.wait_for_log(&[&name, "http.middlewares.m.ratelimit.average", "many"]);
    assert_eq!(lb.get("/a", &[]).backend(), Some("good"));
}

/// One after the other: there is one address that every machine has a name for.
#[test]
fn names_are_looked_up() {
    let echo = Echo::start_at("named", "127.0.0.1".to_owned());
    let url = format!("http://localhost:{BACKEND_PORT}");
    let file = Dynamic::new(&routed(&[("a", &[&echo])]).replace(&echo.url(), &url));
    for driver in [Driver::IoUring, Driver::Epoll] {
        let lb = Lb::start_written(driver, &file.0, &[]);
        wait_for(&lb, "/a", "named");
    }
}
