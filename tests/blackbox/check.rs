//! `ringress check`: what is printed, and with which exit status.

use std::process::{Command, Output};

use crate::harness::fresh_address;

/// In an environment of its own, so that nobody's `TRAEFIK_…` speaks with it.
fn check(args: &[&str], env: &[(&str, &str)]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringress"));
    command.arg("check").args(args).env_clear().envs(env.iter().copied());
    let Output { stdout, status, .. } = command.output().expect("run");
    (String::from_utf8(stdout).expect("text"), status.code())
}

#[test]
fn what_holds_is_printed_with_its_source() {
    let path = std::env::temp_dir().join(format!("ringress-{}.toml", fresh_address()));
    std::fs::write(&path, "[docker]\ndomain = 'x.org'\n[ping]\n").expect("write");
    let path = path.display().to_string();
    let (text, code) = check(&["-c", &path, "--docker.swarmMode", "--checkNewVersion=false"], &[]);
    std::fs::remove_file(&path).expect("remove");
    assert_eq!(code, Some(0), "{text}");
    for line in [
        &format!("providers.docker.domain = x.org  ({path}:2)"),
        "providers.docker.swarmMode = true  (--docker.swarmMode)",
        "providers.docker.watch = true  (default)",
        &format!("ping = true  ({path}:3)"),
        "note: --checkNewVersion is taken and changes nothing here",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
}

#[test]
fn what_is_wrong_is_printed_behind_it() {
    let env = [
        ("TRAEFIK_PROVIDERS_SWARM_ENDPOINT", "tcp://me:secret@h:2375"),
        ("TRAEFIK_PROVIDERS_SWARM_USERNAME", "me"),
        ("TRAEFIK_PROVIDERS_SWARM_PASSWORD", "secret"),
        ("TRAEFIK_PROVIDERS_SWARM_HTTPCLIENTTIMEOUT", "5"),
        ("TRAEFIK_PROVIDERS_HTTP_ENDPOINT", "http://h/"),
        ("TRAEFIK_PROVIDERS_HTTP_HEADERS_AUTHORIZATION", "Bearer secret"),
        ("TRAEFIK_PING", "true"),
    ];
    let (text, code) = check(&[], &env);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("providers.swarm.password = (hidden)"), "{text}");
    let variable = "TRAEFIK_PROVIDERS_SWARM_HTTPCLIENTTIMEOUT";
    let warning = format!("warning: environment: {variable} is known to Traefik but");
    assert!(text.lines().last().is_some_and(|line| line.starts_with(&warning)), "{text}");

    let (text, code) = check(&["--docker", "--docker.watch=maybe", "--docker.swarmmod"], &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("\nproviders.docker.watch = true"), "{text}");
    let expected = "error: command line: --docker.watch=\"maybe\" is neither true nor false; \
                    use true or false\n\
                    warning: command line: --docker.swarmmod is not a known option and is \
                    ignored; did you mean --docker.swarmMode?\n";
    assert!(text.ends_with(expected), "{text}");
}
