//! Choices, on tables that are published as in production.

mod groups;
mod strategies;

use std::time::Duration;

use super::*;
use crate::model::{
    CookieForm, Model, Scheme, Server, ServerState, ServerUrl, Service, Sticky, Strategy,
};
use crate::table::Store;

const WORKERS: usize = 2;

fn url(number: u8) -> ServerUrl {
    ServerUrl { scheme: Scheme::Http, addr: ([10, 0, 1, number], 80).into() }
}

/// A service with a server for each weight.
fn service(name: &str, strategy: Strategy, weights: &[u32]) -> Service {
    let server = |(number, &weight): (u8, &u32)| Server {
        weight,
        ..Server::new(url(number), ServerState::Serving, "")
    };
    let servers = (1..).zip(weights).map(server).collect();
    Service { name: name.into(), strategy, servers, ..Service::default() }
}

fn sticky(name: &str) -> Sticky {
    Sticky {
        cookie_name: name.into(),
        form: CookieForm::Sha256,
        secure: false,
        http_only: false,
        same_site: None,
        max_age: 0,
        path: "/".into(),
        domain: String::new(),
    }
}

/// A table, and who asks it.
struct World {
    store: Store,
    tried: Tried,
    peer: String,
    cookies: Vec<Vec<u8>>,
    now: u64,
    idempotent: bool,
}

impl World {
    fn new(model: Model) -> Self {
        let store = Store::new(WORKERS, vec!["http".into()]);
        store.publish(model);
        let (tried, peer) = (Tried::default(), "192.0.2.1".to_owned());
        Self { store, tried, peer, cookies: Vec::new(), now: 1, idempotent: true }
    }

    fn of(services: impl IntoIterator<Item = Service>) -> Self {
        Self::new(model(services))
    }

    fn ask(&self) -> Ask<'_, impl Iterator<Item = &[u8]> + Clone> {
        let cookies = self.cookies.iter().map(Vec::as_slice);
        Ask {
            cookies,
            peer: &self.peer,
            tried: &self.tried,
            now: self.now,
            worker: 0,
            idempotent: self.idempotent,
        }
    }

    /// The chosen backend of the first service, by the last part of its address.
    fn next(&self) -> Option<u8> {
        self.store.read(|table| {
            let service = table.service(0)?;
            let choice = choose(service, &self.ask())?;
            Some(number(service, choice))
        })
    }

    fn with<R>(&self, backend: usize, act: impl FnOnce(&BackendState) -> R) -> R {
        let state = self.store.read(|t| t.service(0).map(|s| s.backends[backend].state.clone()));
        act(&state.expect("the backend"))
    }

    /// How often each of so many backends is chosen.
    fn shares<const N: usize>(&self, times: usize) -> [usize; N] {
        let mut shares = [0; N];
        (0..times).filter_map(|_| self.next()).for_each(|n| shares[usize::from(n) - 1] += 1);
        shares
    }
}

fn model(services: impl IntoIterator<Item = Service>) -> Model {
    let mut model = Model::default();
    model
        .services
        .extend(services.into_iter().map(|service| (service.name.clone(), service.into())));
    model
}

fn number(service: &ServiceEntry, choice: Choice) -> u8 {
    match service.backends[choice.backend as usize].addr.ip() {
        std::net::IpAddr::V4(ip) => ip.octets()[3],
        std::net::IpAddr::V6(_) => 0,
    }
}

const ALL: [Strategy; 4] = [
    Strategy::RoundRobin,
    Strategy::PowerOfTwo,
    Strategy::HighestRandomWeight,
    Strategy::LeastTime,
];
