//! Services: what is wanted of a load balancer and its cookie, and the servers that files name.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::config::value::Wrong;
use crate::dynamic::decode::below;
use crate::dynamic::http;
use crate::model::cookie::cookie_name;
use crate::model::{
    CookieForm, Dialect, Group, Scheme, Server, ServerState, ServerUrl, Service, Severity, Sticky,
    Strategy,
};

use super::voice::{Given, Voice};
use super::{Origin, group, health, values};

/// Addresses of the host names in URLs of servers, as far as they are known.
pub type Names = BTreeMap<String, IpAddr>;

/// What an element among the services turned out to be.
pub enum Kind {
    Service(Box<Service>),
    Group(Group),
}

/// An element that is written out in full, as in a file. `name` is qualified, `place` is where
/// it stands.
pub fn service_kind(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &http::Service,
    names: &Names,
    voice: &mut Voice,
) -> Kind {
    let kinds = [
        ("loadBalancer", wanted.load_balancer.is_some()),
        ("weighted", wanted.weighted.is_some()),
        ("mirroring", wanted.mirroring.is_some()),
        ("failover", wanted.failover.is_some()),
        ("highestRandomWeight", wanted.highest_random_weight.is_some()),
    ];
    let said: Vec<&str> = kinds.iter().filter(|(_, said)| *said).map(|(kind, _)| *kind).collect();
    let here = Given { label: place.to_owned(), value: String::new() };
    match (said.as_slice(), &wanted.load_balancer) {
        (["loadBalancer"], Some(balancer)) => {
            let mut service =
                self::balancer(origin, name, &below(place, "loadBalancer"), balancer, voice);
            let at = below(&below(place, "loadBalancer"), "servers");
            let servers = balancer.servers.iter().enumerate();
            let servers = servers.map(|(index, server)| (format!("{at}[{index}]"), server));
            service.servers = servers_of_file(servers, names, voice);
            Kind::Service(Box::new(service))
        }
        ([_], _) => Kind::Group(group::group(origin, name, place, wanted, voice)),
        (said, _) => {
            let problem = match said {
                [] => "says neither loadBalancer nor another kind of service".to_owned(),
                said => format!("is of several kinds at once: {}", said.join(", ")),
            };
            voice.say_of(Severity::Error, &here, &problem, "give each service one kind");
            Kind::Service(Box::new(broken(origin, name, problem)))
        }
    }
}

fn named(origin: &Origin, name: &str) -> Service {
    Service {
        name: name.to_owned(),
        provider: origin.provider.to_owned(),
        dialect: origin.dialect,
        ..Service::default()
    }
}

/// A service that could not be read; who names it gets no answer, and need not be told why.
pub fn broken(origin: &Origin, name: &str, why: String) -> Service {
    Service { disabled: Some(why), ..named(origin, name) }
}

/// The settings of a load balancer, without its servers.
pub fn balancer(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &http::LoadBalancer,
    voice: &mut Voice,
) -> Service {
    let given =
        |field: &str, value: &str| Given { label: below(place, field), value: value.to_owned() };
    let mut service = named(origin, name);
    match strategy(&wanted.strategy) {
        Some(strategy) => service.strategy = strategy,
        None => {
            let wrong = Wrong::new("is not a strategy", "use wrr, p2c, hrw or leasttime");
            voice.reject(&given("strategy", &wanted.strategy), wrong, "the service is left out");
            service.disabled = Some(format!("{:?} is not a strategy", wanted.strategy));
        }
    }
    service.sticky =
        wanted.sticky.as_ref().and_then(|sticky| self::sticky(origin, name, place, sticky, voice));
    service.pass_host_header = wanted.pass_host_header.unwrap_or(true);
    let at = below(place, "healthCheck");
    service.health_check =
        wanted.health_check.as_ref().and_then(|check| health::active(&at, check, voice));
    service.passive_health_check = wanted.passive_health_check.as_ref().map(health::passive);
    if let Some(interval) = wanted.response_forwarding.as_ref().and_then(|r| r.flush_interval) {
        service.flush_interval = interval.as_nanoseconds() / 1_000_000;
    }
    if !wanted.servers_transport.is_empty() {
        service.transport = Some(origin.qualified(&wanted.servers_transport));
    }
    service
}

fn strategy(text: &str) -> Option<Strategy> {
    match text.trim().to_ascii_lowercase().as_str() {
        "wrr" | "" => Some(Strategy::RoundRobin),
        "p2c" => Some(Strategy::PowerOfTwo),
        "hrw" => Some(Strategy::HighestRandomWeight),
        "leasttime" => Some(Strategy::LeastTime),
        _ => None,
    }
}

/// The cookie of the service with this qualified name; `place` is the balancer's or the group's.
pub fn sticky(
    origin: &Origin,
    service: &str,
    place: &str,
    wanted: &http::Sticky,
    voice: &mut Voice,
) -> Option<Sticky> {
    let cookie = wanted.cookie.as_ref()?;
    let place = below(&below(place, "sticky"), "cookie");
    let given =
        |field: &str, value: &str| Given { label: below(&place, field), value: value.to_owned() };
    let path = cookie.path.as_deref().unwrap_or("/");
    let path = values::attribute(&given("path", path), voice).filter(|path| !path.is_empty());
    Some(Sticky {
        cookie_name: cookie_name(Some(cookie.name.trim()), service),
        form: match origin.dialect {
            Dialect::V2 => CookieForm::Fnv1a,
            Dialect::V1 | Dialect::V3 => CookieForm::Sha256,
        },
        secure: cookie.secure,
        http_only: cookie.http_only,
        same_site: values::same_site(&given("sameSite", &cookie.same_site), voice),
        max_age: cookie.max_age,
        path: path.unwrap_or_else(|| "/".to_owned()),
        domain: values::attribute(&given("domain", &cookie.domain), voice).unwrap_or_default(),
    })
}

/// Servers by URL, each with its place. One that cannot be reached as it is written is left out.
pub fn servers_of_file<'a>(
    wanted: impl Iterator<Item = (String, &'a http::Server)>,
    names: &Names,
    voice: &mut Voice,
) -> Vec<Server> {
    let mut found: Vec<Server> = Vec::new();
    for (place, server) in wanted {
        let given = Given { label: below(&place, "url"), value: server.url.clone() };
        let read = self::server(server, names);
        let weight = values::weight_of(server.weight.unwrap_or(1));
        match (read, weight) {
            (Ok(read), Ok(weight)) => found.push(Server { weight, ..read }),
            (Err(wrong), _) => voice.reject(&given, wrong, "the server is left out"),
            (_, Err(wrong)) => {
                let value = server.weight.unwrap_or_default().to_string();
                let given = Given { label: below(&place, "weight"), value };
                voice.reject(&given, wrong, "the server is left out");
            }
        }
    }
    found.sort_by(|a, b| (a.url, &a.label).cmp(&(b.url, &b.label)));
    found.dedup_by_key(|server| server.url);
    found
}

/// The host of a server's URL where it is a name, which has to be looked up.
pub fn host_name(url: &str) -> Option<String> {
    let (_, authority, _) = parts(url)?;
    authority
        .host()
        .parse::<IpAddr>()
        .is_err()
        .then(|| authority.host().to_owned())
        .filter(|host| !host.starts_with('['))
}

fn parts(url: &str) -> Option<(Scheme, ::http::uri::Authority, String)> {
    let uri: ::http::Uri = url.trim().parse().ok()?;
    let scheme = match uri.scheme_str()? {
        "http" | "ws" => Scheme::Http,
        "https" | "wss" => Scheme::Https,
        "h2c" => Scheme::H2c,
        _ => return None,
    };
    let authority = uri.authority()?.clone();
    let port = authority.as_str().rsplit(authority.host()).next().unwrap_or_default();
    (port.is_empty() || authority.port_u16().is_some())
        .then(|| (scheme, authority, uri.path().to_owned()))
}

fn server(wanted: &http::Server, names: &Names) -> Result<Server, Wrong> {
    let Some((scheme, authority, path)) = parts(&wanted.url) else {
        let remedy = "use a form such as http://10.0.0.5:8080";
        return Err(Wrong::new("is not a URL of a server", remedy));
    };
    let usual = if scheme == Scheme::Https { 443 } else { 80 };
    let port = authority.port_u16().unwrap_or(usual);
    let host = authority.host();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let (ip, written) = match literal {
        Ok(ip) => (ip, None),
        Err(_) => match names.get(host) {
            Some(ip) => (*ip, Some(authority.to_string())),
            None => {
                return Err(Wrong::new(
                    "names a host that is not known",
                    "name one that DNS knows",
                ));
            }
        },
    };
    let url = ServerUrl { scheme, addr: SocketAddr::new(ip, port) };
    let mut server = Server {
        authority: written,
        path: if wanted.preserve_path {
            path.trim_end_matches('/').to_owned()
        } else {
            String::new()
        },
        ..Server::new(url, ServerState::Starting, wanted.url.trim())
    };
    if server.written_url() != wanted.url.trim() {
        server.written = Some(wanted.url.trim().into());
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, preserve_path: bool) -> Result<String, String> {
        let names = Names::from([("app.internal".to_owned(), IpAddr::from([10, 0, 0, 7]))]);
        let wanted = http::Server { url: url.to_owned(), preserve_path, ..http::Server::default() };
        let server = server(&wanted, &names).map_err(|wrong| wrong.problem)?;
        Ok(format!("{} {} {}", server.url, server.authority.unwrap_or_default(), server.path))
    }

    #[test]
    fn urls_of_servers() {
        for (url, expected) in [
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080  "),
            ("http://10.0.0.5/", "http://10.0.0.5:80  "),
            ("https://[::1]/x", "https://[::1]:443  "),
            ("h2c://app.internal:9", "h2c://10.0.0.7:9 app.internal:9 "),
        ] {
            assert_eq!(read(url, false).as_deref(), Ok(expected), "{url}");
        }
        assert_eq!(read("http://10.0.0.5/x/", true).as_deref(), Ok("http://10.0.0.5:80  /x"));
        assert_eq!(read("http://nobody/", true), Err("names a host that is not known".to_owned()));
        for url in ["", "10.0.0.5:80", "ftp://10.0.0.5", "http://", "http://a:b/"] {
            assert_eq!(read(url, false), Err("is not a URL of a server".to_owned()), "{url}");
        }
        assert_eq!(host_name("http://app.internal:9/x").as_deref(), Some("app.internal"));
        assert_eq!((host_name("http://[::1]:9"), host_name("http://1.2.3.4")), (None, None));
    }
}
