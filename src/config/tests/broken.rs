//! Options, variables and files that are wrong: each has one message with place and remedy.

use super::files::TestFile;
use super::*;

/// Beside what makes a whole configuration of them.
fn only_message(args: &[String], env: &[(String, String)]) -> String {
    let (statics, _) = explained(args, env);
    let said = warnings(&statics);
    assert_eq!(said.len(), 1, "{args:?} {env:?}: {said:?}");
    said.into_iter().next().unwrap()
}

#[rustfmt::skip]
const FLAGS: &[(&str, &str)] = &[
    // Bad values.
    ("--docker --docker.watch=maybe", "--docker.watch=\"maybe\" is neither true nor false; use true or false"),
    ("--docker --logLevel=LOUD", "--logLevel=\"LOUD\" is not a log level; use DEBUG, INFO, WARN or ERROR"),
    ("--docker --graceTimeOut=5d", "--graceTimeOut=\"5d\" is not a duration; use seconds or a form such as 500ms, 1m30s"),
    ("--docker --maxIdleConnsPerHost=many", "--maxIdleConnsPerHost=\"many\" is not a whole number; use digits such as 5"),
    ("--docker --retry.attempts=x", "--retry.attempts=\"x\" is not a whole number; use digits such as 5"),
    ("--docker --docker.endpoint=ssh://h", "--docker.endpoint=\"ssh://h\" needs an ssh client, which is not done here; use tcp://host:2376 with TLS, a socket proxy at tcp://host:2375, or let ssh bring the socket here (ssh -L /run/docker-remote.sock:/var/run/docker.sock) and use unix://"),
    ("--docker --metrics.prometheus.buckets=a", "--metrics.prometheus.buckets=\"a\" is not a number; use a form such as 1 or 0.5"),
    ("--docker --acme.onDemand=perhaps", "--acme.onDemand=\"perhaps\" is neither true nor false; use true or false"),
    ("--providers.swarm --providers.swarm.refreshSeconds=soon", "--providers.swarm.refreshSeconds=\"soon\" is not a duration; use seconds or a form such as 500ms, 1m30s"),
    ("--providers.swarm --providers.precedence=dockr", "--providers.precedence=\"dockr\" holds \"dockr\", which is no provider; did you mean docker?"),
    ("--providers.swarm --core.defaultRuleSyntax=v4", "--core.defaultRuleSyntax=\"v4\" is not a syntax of rules; use v2 or v3"),
    ("--providers.swarm --tracing.sampleRate=all", "--tracing.sampleRate=\"all\" is not a number; use a form such as 1 or 0.5"),
    ("--providers.swarm --log.maxSize=10MB", "--log.maxSize=\"10MB\" is not a whole number; use digits such as 5"),
    ("--providers.swarm --accessLog.fields.defaultMode=hide", "--accessLog.fields.defaultMode=\"hide\" is not one of the words that are possible; use keep or drop"),
    ("--providers.swarm --certificatesResolvers.le.acme.clientTimeout=x", "--certificatesResolvers.le.acme.clientTimeout=\"x\" is not a duration; use seconds or a form such as 500ms, 1m30s"),
    ("--providers.swarm --ringress.workers=0", "--ringress.workers=\"0\" is not a number of workers; use a number from 1 to 1024"),
    ("--providers.swarm --ringress.bufferMemory=lots", "--ringress.bufferMemory=\"lots\" is not an amount of memory; use a form such as 256MB or 1GB"),
    // Without a value.
    ("--docker --logLevel", "--logLevel has no value; write --logLevel=<text>"),
    ("--providers.swarm --tracing.sampleRate", "--tracing.sampleRate has no value; add =<number>"),
    // Nobody's options.
    ("--docker --docker.swarmmod", "--docker.swarmmod is not a known option and is ignored; did you mean --docker.swarmMode?"),
    ("--docker --acme.emial=a@b.c", "--acme.emial is not a known option and is ignored; did you mean --acme.email?"),
    ("--providers.swarm --certificatesResolvers.le.acme.htpChallenge", "--certificatesResolvers.le.acme.htpChallenge is not a known option and is ignored; did you mean --certificatesResolvers.le.acme.httpChallenge?"),
    ("--providers.swarm --tracing.otlp.grcp.endpoint=h", "--tracing.otlp.grcp.endpoint is not a known option and is ignored; did you mean --tracing.otlp.grpc.endpoint?"),
    ("--providers.swarm --nothing.of.the.kind=1", "--nothing.of.the.kind is not a known option and is ignored; see ringress --help"),
    ("--providers.swarm stray", "stray is not an option; write --name=value"),
    // Entry points.
    ("--docker --entryPoints", "--entryPoints has no value; write 'Name:http Address::80'"),
    ("--docker --entryPoints=Name:http", "--entryPoints=\"Name:http\" has no address; write 'Name:http Address::80'"),
    ("--docker --entryPoints=Address::80", "--entryPoints=\"Address::80\" has no name; write 'Name:http Address::80'"),
    ("--docker --entryPoints=Name:http_Address:80", "--entryPoints Name:http Address=\"80\" is not an address with a port; use :80, 127.0.0.1:80 or [::1]:80"),
    ("--docker --entryPoints=Name:http_Address::80_ProxyProtocol.TrustedIPs:lb", "--entryPoints Name:http ProxyProtocol.TrustedIPs=\"lb\" holds \"lb\", which is no network; use 10.0.0.0/8"),
    ("--docker --entryPoints=Name:http_Address::80_ForwardedHeaders.TrustedIP:::1", "--entryPoints Name:http ForwardedHeaders.TrustedIP is not a known field and is ignored; did you mean ForwardedHeaders.TrustedIPs?"),
    ("--providers.swarm --entryPoints.a.address=:http", "--entryPoints.a.address=\":http\" does not end in a port number; use :80, 127.0.0.1:80 or [::1]:80"),
    ("--providers.swarm --entryPoints.a.address=:80 --entryPoints.a.forwardedHeaders.trustedIPs=10/33", "--entryPoints.a.forwardedHeaders.trustedIPs=\"10/33\" holds \"10/33\", which is no network; use 10.0.0.0/8"),
    ("--providers.swarm --entryPoints.a.address=:80 --entryPoints.a.http.underscoreHeadersStrategy=drop", "--entryPoints.a.http.underscoreHeadersStrategy=\"drop\" is not one of the words that are possible; use keep or delete or reject"),
];

#[test]
fn flags() {
    for (line, expected) in FLAGS {
        let args: Vec<String> = line.split(' ').map(|arg| arg.replace('_', " ")).collect();
        // An address that is none leaves the entry point without one, and that is no second slip.
        assert_eq!(only_message(&args, &[]), format!("command line: {expected}"), "{line}");
    }
}

#[test]
fn what_does_not_go_together() {
    for (line, expected) in [
        (
            "--providers.swarm --entryPoints.a.asDefault",
            "the entry point a has no address; add --entryPoints.a.address=:80",
        ),
        (
            "--providers.swarm --entrypoints.a.address=:80 --entrypoints.b.address=:80",
            "the entry points a and b both listen on [::]:80; give one of them another port",
        ),
        (
            "--providers.swarm --entrypoints.a.address=:80 --entrypoints.a.proxyprotocol",
            "proxyProtocol of the entry point a trusts nobody; \
             add --entryPoints.a.proxyProtocol.trustedIPs=10.0.0.0/8",
        ),
        (
            "--providers.file",
            "providers.file names neither a file nor a folder; \
             add --providers.file.filename=/path/to/file.yml",
        ),
        (
            "--ping",
            "no provider is asked for, so no service will be found; \
             add --providers.swarm or --docker --docker.swarmMode",
        ),
    ] {
        assert_eq!(only_message(&args(line), &[]), format!("configuration: {expected}"), "{line}");
    }
}

#[test]
fn variables() {
    for (name, value, expected) in [
        ("TRAEFIK_PING", "ja", "TRAEFIK_PING=\"ja\" is neither true nor false; use true or false"),
        (
            "TRAEFIK_LOG_LEVEL",
            "LOUD",
            "TRAEFIK_LOG_LEVEL=\"LOUD\" is not a log level; use DEBUG, INFO, WARN or ERROR",
        ),
        (
            "TRAEFIK_LOG_LEVL",
            "DEBUG",
            "TRAEFIK_LOG_LEVL is not a known option and is ignored; did you mean TRAEFIK_LOG_LEVEL?",
        ),
        (
            "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_CLIENTTIMEOUT",
            "2 minutes",
            "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_CLIENTTIMEOUT=\"2 minutes\" is not a duration; \
             use seconds or a form such as 500ms, 1m30s",
        ),
        (
            "RINGRESS_DRIVER",
            "kqueue",
            "RINGRESS_DRIVER=\"kqueue\" is not a driver; use auto, io_uring or epoll",
        ),
    ] {
        let env = [("TRAEFIK_PROVIDERS_SWARM".to_owned(), "true".to_owned())];
        let env = [env, [(name.to_owned(), value.to_owned())]].concat();
        assert_eq!(only_message(&[], &env), format!("environment: {expected}"), "{name}");
    }
}

#[test]
fn files() {
    let swarm = "providers:\n  swarm: {}\n";
    for (name, text, expected) in [
        (
            "a.yml",
            "ping:\n  entryPont: x\n",
            ":4: ping.entryPont is not a known option and is ignored; did you mean ping.entryPoint?",
        ),
        (
            "a.yml",
            "log:\n  level: LOUD\n",
            ":4: log.level=\"LOUD\" is not a log level; use DEBUG, INFO, WARN or ERROR",
        ),
        (
            "a.yml",
            "ping:\n",
            ":3: ping is empty, which says nothing, as Traefik has it; write ping: {} to have it with its defaults",
        ),
        (
            "a.yml",
            "http:\n  routers: {}\n",
            ":3: http (routers) is dynamic configuration and is not read here; move it to a file of --providers.file.filename",
        ),
        (
            "a.yml",
            "entryPoints:\n  a:\n    address: ':1'\n    forwardedHeaders:\n      trustedIPs:\n        - ::1\n        - x\n",
            ":9: entryPoints.a.forwardedHeaders.trustedIPs=\"x\" holds \"x\", which is no network; use 10.0.0.0/8",
        ),
        (
            "a.toml",
            "[log]\nlevel = 'x'\n",
            ":4: log.level=\"x\" is not a log level; use DEBUG, INFO, WARN or ERROR",
        ),
        (
            "a.toml",
            "[tracing]\nsampleRat = 1.0\n",
            ":4: tracing.sampleRat is not a known option and is ignored; did you mean tracing.sampleRate?",
        ),
    ] {
        let base = if name == "a.yml" { swarm } else { "[providers.swarm]\n\n" };
        let file = TestFile::new(name, &format!("{base}{text}"));
        let said = only_message(&args(&file.flag()), &[]);
        assert!(said.ends_with(&format!("{name}{expected}")), "{text}: {said}");
    }
}

#[test]
fn files_that_are_none() {
    for (name, text, place, remedy) in [
        ("a.yml", "a: [1\nb: 2\n", "a.yml:2:2: --configFile is broken: ", "; mend it there"),
        ("a.yml", "a:\n\tb: 2\n", "a.yml:2:", "; mend it there"),
        ("a.toml", "a = 1\nb = = 2\n", "a.toml:2:5: --configFile is broken: ", "; mend it there"),
        ("a.toml", "a = 1\na = 2\n", "a.toml:2:1: --configFile is broken: ", "; mend it there"),
        ("a.yml", "- a\n", "a.yml: --configFile holds no names", "; write name: value"),
        ("a.txt", "", "is neither TOML nor YAML by its name; give it a name that ends in", ".yml"),
    ] {
        let file = TestFile::new(name, text);
        let said = only_message(&args(&format!("--providers.swarm {}", file.flag())), &[]);
        assert!(said.contains(place) && said.ends_with(remedy), "{text}: {said}");
    }
    let said = only_message(&args("--providers.swarm --configFile=/nowhere/t.yml"), &[]);
    assert!(said.starts_with("file /nowhere/t.yml: --configFile cannot be read: "), "{said}");
    assert!(said.ends_with("; see its path and rights"), "{said}");
}

#[test]
fn secrets_stay_secret() {
    let line = "--docker --web --web.auth.basic.users=me:$apr1$x --docker.tls.key.x=y";
    let said = warnings(&explained(&args(line), &[]).0).join("\n");
    assert!(!said.contains("apr1") && said.contains("web.auth.basic.users"), "{said}");
}
