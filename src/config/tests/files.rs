//! Configuration files: what they say, and what counts more.

use super::*;

/// A file of that name in a folder of its own, which is removed in the end.
pub struct TestFile {
    folder: std::path::PathBuf,
    path: std::path::PathBuf,
}

impl TestFile {
    pub fn new(name: &str, text: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = format!("ringress-config-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        Self { folder, path }
    }

    pub fn flag(&self) -> String {
        format!("--configFile={}", self.path.display())
    }

    fn load(&self, line: &str) -> Result<Static, Vec<Complaint>> {
        load(&args(&format!("{} {line}", self.flag())), &[])
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const FILES: &[(&str, &str)] = &[
    (
        "traefik.yml",
        "entryPoints:\n  Web:\n    address: ':8000'\n    forwardedHeaders:\n      trustedIPs:\n        \
         - 10.0.0.0/8\n        - ::1\n    transport:\n      lifeCycle:\n        graceTimeOut: 42\n\
         providers:\n  swarm: {}\n  file:\n    directory: /etc/dynamic\n    watch: false\n\
         api:\n  insecure: true\nping: {}\nlog:\n  level: WARN\n",
    ),
    (
        "traefik.toml",
        "[entryPoints.Web]\naddress = ':8000'\n[entryPoints.Web.forwardedHeaders]\n\
         trustedIPs = ['10.0.0.0/8', '::1']\n[entryPoints.Web.transport.lifeCycle]\n\
         graceTimeOut = '42s'\n[providers.swarm]\n[providers.file]\ndirectory = '/etc/dynamic'\n\
         watch = false\n[api]\ninsecure = true\n[ping]\n[log]\nlevel = 'WARN'\n",
    ),
];

#[test]
fn files_say_what_flags_say() {
    let flags = quiet(
        "--entrypoints.Web.address=:8000 --entrypoints.web.forwardedHeaders.trustedIPs=10.0.0.0/8,::1 \
         --entrypoints.web.transport.lifecycle.gracetimeout=42s --providers.swarm --ping \
         --providers.file.directory=/etc/dynamic --providers.file.watch=false --api.insecure \
         --log.level=WARN",
    );
    for (name, text) in FILES {
        let found = TestFile::new(name, text).load("").unwrap();
        assert_eq!(warnings(&found), [""; 0], "{name}");
        assert_eq!(format!("{found:?}"), format!("{flags:?}"), "{name}");
    }
}

#[test]
fn a_file_makes_deaf_to_flags_and_flags_to_variables() {
    let file = TestFile::new(FILES[0].0, FILES[0].1);
    let found = file.load("--log.level=DEBUG --log.format=json --ringress.workers=3").unwrap();
    assert_eq!((found.log.level, found.log.json), (tracing::Level::WARN, false));
    assert_eq!(found.workers, Some(3));
    let said = warnings(&found);
    assert_eq!(said.len(), 1, "{said:?}");
    let start = "command line: --log.level, --log.format are ignored, because /";
    assert!(said[0].starts_with(start), "{said:?}");

    let named = args(&file.flag());
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = [variable("TRAEFIK_LOG_LEVEL", "DEBUG"), variable("TRAEFIK_LOG_FORMAT", "json")];
    let found = load(&named, &env).unwrap();
    assert_eq!((found.log.level, found.log.json), (tracing::Level::WARN, false));
    let said = warnings(&found);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("environment: TRAEFIK_LOG_FORMAT, TRAEFIK_LOG_LEVEL are ignored"));

    let found = load(&args("--providers.swarm"), &env).unwrap();
    assert_eq!((found.log.level, found.log.json), (tracing::Level::INFO, false));
    let said = warnings(&found);
    assert!(said.len() == 1 && said[0].ends_with("as Traefik has it; use one of both"));
    // Traefik 1 puts its flags over its file.
    let first = TestFile::new(
        "traefik.toml",
        "logLevel = 'ERROR'\ndefaultEntryPoints = ['http', 'https']\n[entryPoints.http]\n\
         address = ':80'\n[entryPoints.http.redirect]\nentryPoint = 'https'\n[entryPoints.https]\n\
         address = ':443'\n[[entryPoints.https.tls.certificates]]\ncertFile = 'a'\nkeyFile = 'b'\n\
         [docker]\ndomain = 'x.org'\nswarmMode = true\n",
    );
    let found = first.load("--loglevel=DEBUG").unwrap();
    assert_eq!((found.dialect, found.log.level), (Dialect::V1, tracing::Level::DEBUG));
    assert_eq!(found.docker[0].domain, "x.org");
    let said = warnings(&found).join("\n");
    for part in ["http stays closed: entryPoints.http.redirect", "https stays closed"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_is_wrong_in_a_file_names_it() {
    for (name, text, expected) in [
        ("a.yml", "api:\n  insecure: perhaps\n", "a.yml:2: api.insecure=\"perhaps\" is neither"),
        ("a.toml", "[log]\nlevel = 'x'\n", "a.toml:2: log.level=\"x\" is not a log level"),
        ("a.yml", "a: [1\nb: 2\n", "a.yml:2:2: --configFile is broken: "),
        ("a.txt", "", "is neither TOML nor YAML by its name"),
    ] {
        let said = TestFile::new(name, text).load("").expect_err(text);
        let said: Vec<_> = said.iter().filter(|c| c.severity == Severity::Error).collect();
        assert!(said.len() == 1 && said[0].to_string().contains(expected), "{said:?}");
    }
    assert!(refused("--configFile=/nowhere/t.yml").contains("/nowhere/t.yml: --configFile cannot"));
}

#[test]
fn files_are_found_where_traefik_looks() {
    for (variable, place) in [
        ("XDG_CONFIG_HOME", "traefik.toml"),
        ("HOME", ".config/traefik.yaml"),
        ("HOME", ".config/traefik.yml"),
        ("HOME", ".traefik/traefik.toml"),
    ] {
        let text = if place.ends_with("toml") {
            "[providers.swarm]\n"
        } else {
            "providers: {swarm: {}}\n"
        };
        let file = TestFile::new(place, text);
        let env = [(variable.to_owned(), file.folder.display().to_string())];
        let found = load(&[], &env).unwrap();
        assert_eq!(
            (found.docker[0].name.as_str(), found.complaints.len()),
            ("swarm", 0),
            "{place}"
        );
    }
}
