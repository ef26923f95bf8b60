//! Swarms of any size, made up.

use std::net::{Ipv4Addr, SocketAddr};

use ringress::model::{
    CookieForm, Dialect, Model, Router, Rule, Scheme, Server, ServerState, ServerUrl, Service,
    Sticky,
};

pub fn host(index: usize) -> String {
    format!("host-{index}.example.com")
}

pub fn url(index: usize) -> ServerUrl {
    // 10.0.0.0 and on: an overlay network.
    let ip = Ipv4Addr::from_bits(0x0a00_0000 + index as u32);
    ServerUrl { scheme: Scheme::Http, addr: SocketAddr::from((ip, 8080)) }
}

pub fn sticky() -> Sticky {
    Sticky {
        cookie_name: "_sid".into(),
        form: CookieForm::Sha256,
        secure: false,
        http_only: false,
        same_site: None,
        max_age: 0,
        path: "/".into(),
        domain: String::new(),
    }
}

pub fn service(name: &str, servers: impl Iterator<Item = usize>, weight: u32) -> Service {
    Service {
        name: name.into(),
        provider: "swarm".into(),
        dialect: Dialect::V3,
        servers: servers
            .map(|index| Server { weight, ..Server::new(url(index), ServerState::Serving, "") })
            .collect(),
        ..Service::default()
    }
}

/// Servers of each service.
const SERVERS: usize = 10;

/// `services` sticky services, each with a router of its own.
pub fn model(services: usize) -> Model {
    let mut model = Model::default();
    for index in 0..services {
        let name = format!("service-{index}@swarm");
        let host = host(index);
        let router = Router {
            name: name.clone(),
            provider: "swarm".into(),
            source: String::new(),
            dialect: Dialect::V3,
            rule_text: format!("Host(`{host}`)"),
            rule: Some(Rule::Host(host)),
            priority: 1,
            precedence: 0,
            entry_points: vec!["http".into()],
            lost_entry_points: Vec::new(),
            syntax: None,
            service: name.clone(),
            middlewares: Vec::new(),
            tls: None,
            disabled: None,
        };
        model.routers.insert(name.clone(), router.into());
        let mut service = service(&name, SERVERS * index..SERVERS * (index + 1), 1);
        service.sticky = Some(sticky());
        model.services.insert(name, service.into());
    }
    model
}
