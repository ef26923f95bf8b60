//! Options of Traefik 2 and 3 about where services are found.

use super::super::draft::Draft;
use super::super::endpoint;
use super::super::options::Effect::{List, Switch, Text, Time, Whole};
use super::super::options::Family::{Later, Second};
use super::super::options::Row;
use super::super::value::Wrong;
use super::{none, row};
use crate::model::Dialect;
use crate::nearest::nearest;

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("providers.docker", Later, Switch(|d, _, on| d.docker.section.set(on)), "find containers of one engine"),
    row("providers.docker.swarmMode", Second, Switch(|d, _, on| d.docker().swarm_mode = Some(on)), "services and tasks of a swarm"),
    row("providers.docker.swarmModeRefreshSeconds", Second, Time(|d, _, t| d.docker().refresh = Some(t)), "longest time without a full look (15)"),
    row("providers.docker.watch", Later, Switch(|d, _, on| d.docker().watch = Some(on)), "follow changes (true)"),
    row("providers.docker.endpoint", Later, Text(|d, _, v| { d.docker().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
    row("providers.docker.tls", Later, Switch(|d, _, on| d.docker().tls.section.set(on)), "speak TLS with the Engine at tcp://"),
    row("providers.docker.tls.ca", Later, Text(|d, _, v| { d.docker().tls().ca = Some(v.to_owned()); Ok(none()) }), "who has signed its certificate: a PEM file, or its text"),
    row("providers.docker.tls.cert", Later, Text(|d, _, v| { d.docker().tls().cert = Some(v.to_owned()); Ok(none()) }), "our certificate"),
    row("providers.docker.tls.key", Later, Text(|d, _, v| { d.docker().tls().key = Some(v.to_owned()); Ok(none()) }), "its private key"),
    row("providers.docker.tls.insecureSkipVerify", Later, Switch(|d, _, on| d.docker().tls().insecure_skip_verify = on), "believe any certificate (false)"),
    row("providers.docker.username", Later, Text(|d, _, v| { d.docker().username = Some(v.to_owned()); Ok(none()) }), "name for a proxy before the Engine"),
    row("providers.docker.password", Later, Text(|d, _, v| { d.docker().password = Some(v.to_owned()); Ok(none()) }), "and password"),
    row("providers.docker.exposedByDefault", Later, Switch(|d, _, on| d.docker().exposed_by_default = Some(on)), "serve what has no traefik.enable (true)"),
    row("providers.docker.constraints", Later, Text(|d, _, v| { d.docker().constraints = vec![v.to_owned()]; Ok(none()) }), "serve only what matches: Label(`a`, `b`) && !LabelRegex(`c`, `d`)"),
    row("providers.docker.useBindPortIP", Later, Switch(|d, _, _| { d.docker(); }), "read; addresses are the containers' own"),
    row("providers.docker.allowEmptyServices", Later, Switch(|d, _, _| { d.docker(); }), "read; a service without tasks is always kept"),
    row("providers.docker.network", Later, Text(|d, _, v| { d.docker().network = Some(v.to_owned()); Ok(none()) }), "network of backends that name none"),
    row("providers.docker.defaultRule", Later, Text(|d, _, v| { d.docker().default_rule = Some(v.to_owned()); Ok(none()) }), "rule of routers that have none (Host(`{{ normalize .Name }}`))"),
    row("providers.swarm", Later, Switch(|d, _, on| d.swarm.section.set(on)), "find services and tasks of a swarm"),
    row("providers.swarm.refreshSeconds", Later, Time(|d, _, t| d.swarm().refresh = Some(t)), "longest time without a full look (15)"),
    row("providers.swarm.watch", Later, Switch(|d, _, on| d.swarm().watch = Some(on)), "follow changes (true)"),
    row("providers.swarm.endpoint", Later, Text(|d, _, v| { d.swarm().endpoint = Some(endpoint(v)?); Ok(none()) }), "the Engine's socket (unix:///var/run/docker.sock)"),
    row("providers.swarm.tls", Later, Switch(|d, _, on| d.swarm().tls.section.set(on)), "speak TLS with the Engine at tcp://"),
    row("providers.swarm.tls.ca", Later, Text(|d, _, v| { d.swarm().tls().ca = Some(v.to_owned()); Ok(none()) }), "who has signed its certificate: a PEM file, or its text"),
    row("providers.swarm.tls.cert", Later, Text(|d, _, v| { d.swarm().tls().cert = Some(v.to_owned()); Ok(none()) }), "our certificate"),
    row("providers.swarm.tls.key", Later, Text(|d, _, v| { d.swarm().tls().key = Some(v.to_owned()); Ok(none()) }), "its private key"),
    row("providers.swarm.tls.insecureSkipVerify", Later, Switch(|d, _, on| d.swarm().tls().insecure_skip_verify = on), "believe any certificate (false)"),
    row("providers.swarm.username", Later, Text(|d, _, v| { d.swarm().username = Some(v.to_owned()); Ok(none()) }), "name for a proxy before the Engine"),
    row("providers.swarm.password", Later, Text(|d, _, v| { d.swarm().password = Some(v.to_owned()); Ok(none()) }), "and password"),
    row("providers.swarm.exposedByDefault", Later, Switch(|d, _, on| d.swarm().exposed_by_default = Some(on)), "serve what has no traefik.enable (true)"),
    row("providers.swarm.constraints", Later, Text(|d, _, v| { d.swarm().constraints = vec![v.to_owned()]; Ok(none()) }), "serve only what matches: Label(`a`, `b`) && !LabelRegex(`c`, `d`)"),
    row("providers.swarm.useBindPortIP", Later, Switch(|d, _, _| { d.swarm(); }), "read; addresses are the containers' own"),
    row("providers.swarm.allowEmptyServices", Later, Switch(|d, _, _| { d.swarm(); }), "read; a service without tasks is always kept"),
    row("providers.swarm.network", Later, Text(|d, _, v| { d.swarm().network = Some(v.to_owned()); Ok(none()) }), "network of backends that name none"),
    row("providers.swarm.defaultRule", Later, Text(|d, _, v| { d.swarm().default_rule = Some(v.to_owned()); Ok(none()) }), "rule of routers that have none (Host(`{{ normalize .Name }}`))"),
    row("providers.file", Later, Switch(|d, _, on| d.file.section.set(on)), "read dynamic configuration from files"),
    row("providers.file.filename", Later, Text(|d, _, v| { d.file().filename = Some(v.to_owned()); Ok(none()) }), "one file, in TOML or YAML"),
    row("providers.file.directory", Later, Text(|d, _, v| { d.file().directory = Some(v.to_owned()); Ok(none()) }), "all files of a folder"),
    row("providers.file.watch", Later, Switch(|d, _, on| d.file().watch = Some(on)), "follow changes (true)"),
    row("providers.http", Later, Switch(|d, _, on| d.http.section.set(on)), "ask for dynamic configuration by HTTP"),
    row("providers.http.endpoint", Later, Text(|d, _, v| { d.http().endpoint = Some(v.trim().to_owned()); Ok(none()) }), "http://host:port/path"),
    row("providers.http.pollInterval", Later, Time(|d, _, t| d.http().poll_interval = Some(t)), "between two questions (5)"),
    row("providers.http.pollTimeout", Later, Time(|d, _, t| d.http().poll_timeout = Some(t)), "for an answer (5)"),
    row("providers.http.headers.*", Later, Text(|d, n, v| { d.http().headers.push((n.to_owned(), v.to_owned())); Ok(none()) }), "a header of the questions"),
    row("providers.http.maxResponseBodySize", Later, Whole(|d, _, n| d.http().max_body = Some(n)), "most bytes of an answer (-1: no bound)"),
    row("providers.rest", Later, Switch(|d, _, on| d.rest.set(on)), "not yet: take dynamic configuration by PUT"),
    row("providers.rest.insecure", Later, Switch(|d, _, on| { d.rest.touch(); d.rest_insecure = on; }), "not yet: at /api/providers/rest on :8080 (false)"),
    row("providers.precedence", Later, List(precedence), "whose router goes first among equal priorities (swarm,docker,file,http,rest)"),
    row("core.defaultRuleSyntax", Later, Text(rule_syntax), "v2 or v3 (v3)"),
];

/// Every provider of Traefik 3, in the order in which their routers go among equal priorities.
pub(in crate::config) const PROVIDERS: [&str; 17] = [
    "kubernetesgateway",
    "kubernetescrd",
    "kubernetes",
    "kubernetesingressnginx",
    "swarm",
    "docker",
    "file",
    "redis",
    "knative",
    "consul",
    "consulcatalog",
    "nomad",
    "etcd",
    "ecs",
    "http",
    "zookeeper",
    "rest",
];

fn precedence(draft: &mut Draft, _: &str, names: Vec<String>) -> Result<(), Wrong> {
    for name in names {
        let name = name.to_lowercase();
        if !PROVIDERS.contains(&name.as_str()) {
            let near = nearest(&name, PROVIDERS.iter().copied());
            let remedy = near.map_or("use swarm,docker,file,http,rest".to_owned(), |near| {
                format!("did you mean {near}?")
            });
            return Err(Wrong::new(format!("holds {name:?}, which is no provider"), remedy));
        }
        draft.precedence.push(name);
    }
    Ok(())
}

fn rule_syntax(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    draft.default_rule_syntax = Some(match text.trim() {
        "v2" => Dialect::V2,
        "v3" => Dialect::V3,
        _ => return Err(Wrong::new("is not a syntax of rules", "use v2 or v3")),
    });
    Ok(none())
}
