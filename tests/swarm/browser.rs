//! A headless Chromium, driven over WebDriver.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::client::Conn;
use crate::docker::eventually;

/// The namespace is ours alone, so the port is free.
const PORT: u16 = 9515;

pub struct Browser {
    driver: Child,
    session: String,
    profile: PathBuf,
    shots: PathBuf,
}

impl Browser {
    /// Screenshots go to `shots`.
    pub fn start(shots: &Path) -> Self {
        let driver = Command::new("chromedriver")
            .arg(format!("--port={PORT}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start chromedriver");
        let profile = std::env::temp_dir().join(format!("ringress-browser-{}", std::process::id()));
        let mut browser = Self { driver, session: String::new(), profile, shots: shots.to_owned() };
        eventually("chromedriver listens", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", PORT)).ok()
        });
        let args = [
            "--headless=new".to_owned(),
            // Chromium refuses its sandbox to root; the pages here are our own.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1400,900".to_owned(),
            format!("--user-data-dir={}", browser.profile.display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": args },
        }}});
        let made = browser.call("POST", "/session", &wanted);
        browser.session = made["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    pub fn open(&self, url: &str) {
        self.command("POST", "url", &json!({ "url": url }));
    }

    pub fn reload(&self) {
        self.command("POST", "refresh", &json!({}));
    }

    /// Handle of the tab that is driven.
    pub fn tab(&self) -> String {
        self.command("GET", "window", &Value::Null).as_str().expect("a handle").to_owned()
    }

    /// Opens a tab and drives it from now on.
    pub fn new_tab(&self) -> String {
        let made = self.command("POST", "window/new", &json!({ "type": "tab" }));
        let handle = made["handle"].as_str().expect("a handle").to_owned();
        self.switch_to(&handle);
        handle
    }

    pub fn switch_to(&self, tab: &str) {
        self.command("POST", "window", &json!({ "handle": tab }));
    }

    /// Runs the body of a function in the page.
    pub fn script(&self, body: &str) -> Value {
        self.command("POST", "execute/sync", &json!({ "script": body, "args": [] }))
    }

    pub fn text(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.command("GET", "cookie", &Value::Null);
        cookies.as_array()?.iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// Keeps what the page looks like as a PNG.
    pub fn shot(&self, name: &str) {
        let encoded = self.command("GET", "screenshot", &Value::Null);
        let encoded = encoded.as_str().expect("a screenshot");
        let png = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
        let file = self.shots.join(format!("{name}.png"));
        std::fs::write(&file, png).expect("write a screenshot");
        println!("screenshot: {}", file.display());
    }

    fn command(&self, method: &str, what: &str, body: &Value) -> Value {
        self.call(method, &format!("/session/{}/{what}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut conn = Conn::open(SocketAddr::from(([127, 0, 0, 1], PORT)));
        // chromedriver talks to loopback only and wants that said.
        conn.host = format!("localhost:{PORT}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = ["Content-Type: application/json", "Connection: close"];
        let answer = conn.request(method, path, &headers, body.as_bytes());
        let value: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(answer.status, 200, "{method} {path}: {value}");
        value["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Ends the browser; what is left after that ends with its parent. A second panic
            // while one is under way would abort, so nothing here may panic.
            let url = format!("http://localhost:{PORT}/session/{}", self.session);
            let delete = ["-sS", "--max-time", "10", "-o", "/dev/null", "-X", "DELETE", &url];
            let _ = Command::new("curl").args(delete).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
