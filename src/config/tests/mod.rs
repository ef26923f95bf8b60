//! Command lines of all generations, and what they come to.

mod broken;
mod files;
mod rows;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::Severity;

fn args(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn loaded(line: &str) -> Static {
    load(&args(line), &[]).unwrap_or_else(|all| panic!("{line}: {all:?}"))
}

fn refused(line: &str) -> String {
    let complaints = load(&args(line), &[]).expect_err(line);
    let errors = complaints.iter().filter(|c| c.severity == Severity::Error);
    errors.map(Complaint::to_string).collect::<Vec<_>>().join("\n")
}

fn warnings(found: &Static) -> Vec<String> {
    found.complaints.iter().map(Complaint::to_string).collect()
}

fn quiet(line: &str) -> Static {
    let found = loaded(line);
    assert_eq!(warnings(&found), Vec::<String>::new(), "{line}");
    found
}

#[test]
fn the_users_command_line() {
    let line = r"--docker \ --docker.swarmmode \ --docker.watch \ --web \ --loglevel=DEBUG";
    // The other spelling is what a reader of compose files makes of an escaped blank.
    let joined: Vec<String> =
        ["--docker", " --docker.swarmmode", "\\ --docker.watch", " --web", "\n--loglevel=DEBUG"]
            .map(str::to_owned)
            .to_vec();
    for found in [quiet(line), load(&joined, &[]).unwrap()] {
        assert_eq!(found.complaints, []);
        assert_eq!(found.dialect, Dialect::V1);
        let [entry] = found.entry_points.as_slice() else { panic!("{:?}", found.entry_points) };
        assert_eq!((entry.name.as_str(), entry.address.to_string().as_str()), ("http", "[::]:80"));
        assert!(entry.trust.insecure);
        assert_eq!(entry.read_timeout, Duration::ZERO);
        assert_eq!(found.default_entry_points, ["http"]);
        let api = found.api.unwrap();
        assert_eq!(api.address.to_string(), "[::]:8080");
        assert!(api.api && api.dashboard && api.ping && !api.metrics);
        let [docker] = found.docker.as_slice() else { panic!("{:?}", found.docker) };
        assert!(docker.swarm && docker.watch && docker.exposed_by_default);
        assert_eq!((docker.name.as_str(), docker.dialect), ("docker", Dialect::V1));
        assert_eq!(docker.endpoint, "unix:///var/run/docker.sock");
        assert_eq!(docker.refresh, Duration::from_secs(15));
        assert_eq!(found.log.level, tracing::Level::DEBUG);
        assert_eq!(found.life.grace, Duration::from_secs(10));
        assert_eq!(found.transport.dial_timeout, crate::limits::DIAL_TIMEOUT);
        assert_eq!(found.driver, DriverChoice::Auto);
    }
}

#[test]
fn todays_spelling_of_the_same() {
    let found = quiet(
        "traefik -providers.swarm --entryPoints.web.address=:8000 --api.insecure=true \
         --log.level=warn --ping",
    );
    assert_eq!(found.dialect, Dialect::V3);
    assert_eq!((found.docker[0].name.as_str(), found.docker[0].swarm), ("swarm", true));
    assert_eq!(found.docker[0].default_rule, "Host(`{{ normalize .Name }}`)");
    let entry = &found.entry_points[0];
    assert_eq!((entry.name.as_str(), entry.address.port()), ("web", 8000));
    assert!(!entry.trust.insecure);
    assert_eq!(entry.read_timeout, Duration::ZERO);
    assert_eq!(found.default_entry_points, ["web"]);
    assert!(found.api.unwrap().ping);
}

#[test]
fn the_second_dialect() {
    let found = quiet(
        "--providers.docker.swarmMode=true --providers.docker.network=net \
         --providers.docker.exposedbydefault=false --providers.docker.swarmmoderefreshseconds=2",
    );
    assert_eq!(found.dialect, Dialect::V2);
    let docker = &found.docker[0];
    assert_eq!((docker.name.as_str(), docker.dialect, docker.swarm), ("docker", Dialect::V2, true));
    assert_eq!((docker.network.as_str(), docker.exposed_by_default), ("net", false));
    assert_eq!(docker.refresh, Duration::from_secs(2));
    assert!(found.api.is_none());
}

#[test]
fn entry_points_of_the_first_dialect() {
    let all: Vec<String> = [
        "--docker",
        "--entryPoints=Name:http Address::80 ForwardedHeaders.TrustedIPs:10.0.0.0/8,::1",
        "--entrypoints",
        "Name:alt Address:127.0.0.1:81 Compress:on Frowarded:x",
        "--entryPoints=Name:https Address::443 TLS",
        "--defaultEntryPoints=http,alt,https",
    ]
    .map(str::to_owned)
    .to_vec();
    let found = load(&all, &[]).unwrap();
    let [http, alt] = found.entry_points.as_slice() else { panic!("{:?}", found.entry_points) };
    assert!(!http.trust.insecure && http.trust.networks.len() == 2);
    assert!(alt.trust.insecure);
    assert_eq!(found.default_entry_points, ["http", "alt"]);
    let said = warnings(&found).join("\n");
    for part in [
        "Compress is known",
        "Frowarded is not a known",
        "https stays closed",
        "no entry point https",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(refused("--entryPoints=Name:http").contains("has no address"));
    assert!(refused("--entryPoints=Address::80").contains("has no name"));
    assert!(refused("--entryPoints=Name:x --web").contains("has no address"));
}

#[test]
fn entry_points_keep_the_first_spelling_of_their_name() {
    let found = quiet(
        "--providers.swarm --entrypoints.Web.address=:81 --entryPoints.web.forwardedHeaders.insecure \
         --entryPoints.web2.address=:82 --entryPoints.web2.asDefault \
         --entryPoints.web.transport.respondingTimeouts.readTimeout=0",
    );
    assert_eq!(found.entry_points[0].name, "Web");
    assert!(found.entry_points[0].trust.insecure);
    assert_eq!(found.entry_points[0].idle_timeout, Duration::from_secs(180));
    assert_eq!(found.entry_points[1].idle_timeout, Duration::from_secs(75));
    assert_eq!(found.default_entry_points, ["web2"]);
}

#[test]
fn proxy_protocol_is_on_where_somebody_is_trusted_with_it() {
    let first = |fields: &str| {
        let entry = format!("--entryPoints=Name:http Address::80 {fields}");
        load(&["--docker".to_owned(), entry], &[])
    };
    let trust = |found: Static| found.entry_points[0].proxy_protocol.clone();
    let networks = vec![value::network("10.0.0.0/8").unwrap(), value::network("::1").unwrap()];
    let some = Some(Trust { insecure: false, networks });
    let everybody = Some(Trust { insecure: true, networks: Vec::new() });

    let found = first("ProxyProtocol.TrustedIPs:10.0.0.0/8,::1").unwrap();
    assert_eq!((trust(found.clone()), found.complaints), (some.clone(), vec![]));
    assert!(found.entry_points[0].trust.insecure, "the forwarding fields are another matter");
    assert_eq!(trust(first("proxyprotocol.insecure:true").unwrap()), everybody);
    for nothing in ["", "ProxyProtocol.Insecure", "ProxyProtocol.TrustedIPs:"] {
        assert_eq!(trust(first(nothing).unwrap()), None, "{nothing}");
    }
    let said = |complaints: Vec<Complaint>| complaints[0].to_string();
    assert_eq!(
        said(first("ProxyProtocol.Insecure:false").unwrap_err()),
        "configuration: proxyProtocol of the entry point http trusts nobody; \
         add ProxyProtocol.TrustedIPs:10.0.0.0/8"
    );
    let wrong = said(first("ProxyProtocol.TrustedIPs:10.0.0.0/33").unwrap_err());
    assert!(wrong.contains("\"10.0.0.0/33\", which is no network"), "{wrong}");
    let typo = first("ProxyProtocol.TrustedIP:10.0.0.0/8").unwrap();
    assert!(warnings(&typo)[0].contains("did you mean ProxyProtocol.TrustedIPs?"));

    let later = |options: &str| {
        let options = options.replace('~', "--entryPoints.web.proxyProtocol");
        format!("--providers.swarm --entryPoints.web.address=:80 {options}")
    };
    assert_eq!(trust(quiet(&later("~.trustedIPs=10.0.0.0/8,::1"))), some);
    assert_eq!(trust(quiet(&later("~ ~.trustedips=10.0.0.0/8 ~.trustedIPs=::1"))), some);
    assert_eq!(trust(quiet(&later("~.insecure"))), everybody);
    for nothing in ["", "~=false", "~=false ~.trustedIPs=10.0.0.0/8"] {
        assert_eq!(trust(quiet(&later(nothing))), None, "{nothing}");
    }
    for nobody in ["~", "~.insecure=false", "~.trustedIPs="] {
        assert_eq!(
            refused(&later(nobody)),
            "configuration: proxyProtocol of the entry point web trusts nobody; \
             add --entryPoints.web.proxyProtocol.trustedIPs=10.0.0.0/8"
        );
    }
    assert_eq!(
        refused(&later("~.trustedIPs=10.0.0.0/8,lb")),
        "command line: --entryPoints.web.proxyProtocol.trustedIPs=\"10.0.0.0/8,lb\" \
         holds \"lb\", which is no network; use 10.0.0.0/8"
    );
    let typo = loaded(&later("~.trustedIP=::1"));
    assert!(warnings(&typo)[0].contains("did you mean --entryPoints.web.proxyProtocol.trustedIPs"));
    let control = loaded("--providers.swarm --ping --entryPoints.traefik.proxyProtocol.insecure");
    assert!(warnings(&control)[0].contains("not supported on the entry point traefik"));
}

#[test]
fn the_control_listener() {
    let found = quiet("--docker --web --web.address=:9000");
    assert_eq!(found.api.unwrap().address.port(), 9000);
    let found = loaded("--docker --web --web.address=:9000 --ping");
    let api = found.api.clone().unwrap();
    assert!(!api.api && api.ping && api.address.port() == 8080);
    assert!(warnings(&found)[0].contains("--web is ignored"));
    let found = quiet("--providers.swarm --api.insecure --entrypoints.traefik.address=:9001");
    assert_eq!(found.api.unwrap().address.port(), 9001);
    assert_eq!(found.entry_points[0].name, "http");
    let found = loaded("--providers.swarm --api");
    assert!(found.api.is_none() && warnings(&found)[0].contains("--api.insecure"));
    let found = quiet("--docker --api --api.dashboard=false --metrics.prometheus");
    let api = found.api.unwrap();
    assert!(api.api && !api.dashboard && api.metrics);
}

#[test]
fn unknown_options_are_named_with_the_nearest_known() {
    let found =
        loaded("--docker --docker.swarmmod --providers.swarm --entrypoints.web.adress=:80 foo");
    let said = warnings(&found).join("\n");
    assert!(said.contains("--docker.swarmmod is not a known option"), "{said}");
    assert!(said.contains("did you mean --docker.swarmMode?"), "{said}");
    assert!(said.contains("did you mean --entryPoints.web.address?"), "{said}");
    assert!(said.contains("foo is not an option"), "{said}");
}

#[test]
fn what_traefik_knows_and_we_do_not_is_a_warning() {
    for option in [
        "--certificatesresolvers.le.acme.email=a@b.c",
        "--acme.domains[0].main=a",
        "--tracing",
        "--providers.rest.insecure",
    ] {
        let found = loaded(&format!("--providers.swarm {option}"));
        let said = warnings(&found);
        assert!(said.len() == 1 && said[0].contains("not supported yet"), "{option}: {said:?}");
    }
    quiet("--docker --checknewversion=false --sendAnonymousUsage=false");
    quiet("--providers.swarm --global.checkNewVersion=false");
    let found = loaded(
        "--providers.swarm --entrypoints.a.address=:1 --entrypoints.b.address=:2 --entrypoints.b.http.tls=true",
    );
    assert_eq!(found.entry_points.len(), 1);
    quiet("--providers.swarm --entrypoints.a.address=:1 --entrypoints.a.http.tls=false");
    for needed in ["tls.certResolver=le", "redirections.entryPoint.to=b", "middlewares=auth@file"] {
        let found = loaded(&format!(
            "--providers.swarm --entrypoints.a.address=:1 --entrypoints.a.http.{needed}"
        ));
        assert!(found.entry_points.is_empty(), "{needed}");
    }
    let found = loaded("--providers.swarm --entrypoints.a.http.tls");
    assert!(found.entry_points.is_empty() && warnings(&found)[1].contains("no entry point"));
}

#[test]
fn a_bad_value_is_an_error_that_says_what_is_right() {
    for (line, expected) in [
        (
            "--docker.watch=maybe",
            "command line: --docker.watch=\"maybe\" is neither true nor false; use true or false",
        ),
        (
            "--loglevel=LOUD",
            "command line: --loglevel=\"LOUD\" is not a log level; use DEBUG, INFO, WARN or ERROR",
        ),
        ("--loglevel", "command line: --loglevel has no value; write --logLevel=<text>"),
        (
            "--graceTimeOut=5d",
            "command line: --graceTimeOut=\"5d\" is not a duration; use seconds or a form such as 500ms, 1m30s",
        ),
        (
            "--entrypoints.web.address=80",
            "command line: --entrypoints.web.address=\"80\" is not an address with a port; use :80, 127.0.0.1:80 or [::1]:80",
        ),
        (
            "--docker.endpoint=npipe:////./pipe/x",
            "command line: --docker.endpoint=\"npipe:////./pipe/x\" is a pipe of Windows; use unix:///var/run/docker.sock or tcp://host:port",
        ),
        (
            "--ringress.driver=kqueue",
            "command line: --ringress.driver=\"kqueue\" is not a driver; use auto, io_uring or epoll",
        ),
        (
            "--ringress.workers=0",
            "command line: --ringress.workers=\"0\" is not a number of workers; use a number from 1 to 1024",
        ),
        (
            "--ringress.handover=lb.sock",
            "command line: --ringress.handover=\"lb.sock\" is not the path of a socket; write the whole path of a file",
        ),
        (
            "--entrypoints.a.address=:80 --entrypoints.b.address=:80",
            "configuration: the entry points a and b both listen on [::]:80; give one of them another port",
        ),
        (
            "--entrypoints.a.address=:8080 --ping",
            "configuration: the entry points a and traefik both listen on [::]:8080; give one of them another port",
        ),
    ] {
        assert_eq!(refused(line), expected, "{line}");
    }
}

#[test]
fn flags_silence_the_environment_except_for_our_own() {
    let env = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let all = env(&[
        ("TRAEFIK_PROVIDERS_SWARM", "true"),
        ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", ":81"),
        ("RINGRESS_DRIVER", "epoll"),
        ("RINGRESS_WORKERS", "3"),
        ("RINGRESS_HANDOVER", "/run/lb.sock"),
        ("PATH", "/bin"),
    ]);
    let found = load(&args("--ringress.workers=2"), &all).unwrap();
    assert_eq!(found.complaints, []);
    assert_eq!((found.driver, found.workers), (DriverChoice::Epoll, Some(2)));
    assert_eq!(found.entry_points[0].name, "web");
    assert_eq!(found.docker[0].name, "swarm");
    assert_eq!(found.handover, Some("/run/lb.sock".into()));
    let found = load(&args("--docker"), &all).unwrap();
    assert_eq!(found.complaints.len(), 1);
    assert_eq!((found.entry_points[0].name.as_str(), found.workers), ("http", Some(3)));
    let bad = load(&[], &env(&[("RINGRESS_WORKERS", "x")])).unwrap_err();
    assert!(bad[0].to_string().starts_with("environment: RINGRESS_WORKERS=\"x\""));
}

#[test]
fn the_rest_of_the_timeouts() {
    let found = quiet(
        "--docker --graceTimeOut=3s --lifecycle.requestAcceptGraceTimeout=1 --idletimeout=20 \
         --forwardingTimeouts.dialTimeout=30s --maxIdleConnsPerHost=-1 -d",
    );
    assert_eq!(found.life.grace, Duration::from_secs(3));
    assert_eq!(found.life.accept_grace, Duration::from_secs(1));
    assert_eq!(found.entry_points[0].idle_timeout, Duration::from_secs(20));
    assert_eq!(found.transport.dial_timeout, Duration::from_secs(30));
    assert_eq!(found.transport.max_idle_per_host, 0);
    assert_eq!(found.log.level, tracing::Level::DEBUG);
}

#[test]
fn help_names_every_supported_option() {
    let text = help();
    for name in ["--docker.swarmMode ", "--entryPoints.<name>.address=<text> ", "--ringress.driver"]
    {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn the_table_has_no_row_twice() {
    let rows = table::rows().map(|row| row.name.to_lowercase());
    let known = table::KNOWN.iter().map(|known| known.name.to_lowercase());
    let mut names: Vec<String> = rows.chain(known).collect();
    names.sort();
    let twice: Vec<&[String]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

proptest! {
    #[test]
    fn no_arguments_panic(
        line in proptest::collection::vec("\\PC*|--?[a-zA-Z.]{0,20}(=\\PC*)?", 0..6)
    ) {
        let _ = load(&line, &[]);
    }

    #[test]
    fn no_value_of_any_option_panics(row in 0..table::rows().count(), value in "\\PC*") {
        let name = table::rows().nth(row).unwrap().name.replace('*', "x");
        let _ = load(&[format!("--{name}={value}")], &[]);
        let variable = format!("TRAEFIK_{}", name.replace('.', "_").to_uppercase());
        let _ = load(&[], &[(variable, value)]);
    }
}
