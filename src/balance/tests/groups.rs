//! Ways through groups.

use std::ops::RangeInclusive;
use std::sync::Arc;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::model::{self, Dialect, Group, GroupKind};
use crate::table::Table;

fn group(name: &str, kind: GroupKind) -> Group {
    Group {
        name: format!("{name}@file"),
        provider: "file".into(),
        dialect: Dialect::V3,
        kind,
        health_check: false,
        disabled: None,
    }
}

fn members(of: &[(&str, u32)]) -> Vec<model::Member> {
    let member =
        |&(name, weight): &(&str, u32)| model::Member { service: format!("{name}@file"), weight };
    of.iter().map(member).collect()
}

fn weighted(name: &str, of: &[(&str, u32)], cookie: Option<&str>) -> Group {
    let sticky = cookie.map(sticky);
    group(name, GroupKind::Weighted { members: members(of), sticky })
}

fn failover(name: &str, statuses: &[RangeInclusive<u16>]) -> Group {
    let (service, fallback) = ("a@file".to_owned(), "b@file".to_owned());
    let statuses = statuses.to_vec();
    let kind = GroupKind::Failover { service, fallback, statuses, max_request_body: 9 };
    group(name, kind)
}

/// Services `a`, `b` and `c`, each with one server, and these groups.
fn world(groups: Vec<Group>) -> World {
    World::new(model_of(groups))
}

fn model_of(groups: Vec<Group>) -> Model {
    let mut model = model((1..).zip(["a", "b", "c"]).map(|(number, name)| Service {
        servers: vec![Server::new(url(number), ServerState::Serving, "")],
        ..service(&format!("{name}@file"), Strategy::RoundRobin, &[])
    }));
    model.groups.extend(groups.into_iter().map(|group| (group.name.clone(), group.into())));
    model
}

/// Where a way has led.
#[derive(Default)]
struct Way {
    /// 1 for `a`.
    server: u8,
    set_cookies: Vec<String>,
    wishes: Wishes,
}

impl World {
    /// The way from the group of this place among the groups.
    fn way(&self, group: u32) -> Option<Way> {
        let (mut set_cookies, mut wishes) = (Vec::new(), None);
        let server = self.store.read(|table| {
            let node = table.services().len() as u32 + group;
            let service = descend(table, node, &self.ask(), &mut wishes, |line| {
                set_cookies.push(String::from_utf8_lossy(line).trim_end().to_owned());
            })?;
            let choice = choose(service, &self.ask())?;
            if choice.set_cookie {
                let line = service.sticky.as_ref().map(|s| s.set_cookie(choice.backend).to_vec());
                set_cookies.extend(line.map(|line| String::from_utf8(line).unwrap()));
            }
            Some(number(service, choice))
        })?;
        Some(Way { server, set_cookies, wishes: *wishes.unwrap_or_default() })
    }

    fn servers(&self, group: u32, times: usize) -> Vec<u8> {
        (0..times).map(|_| self.way(group).map_or(0, |way| way.server)).collect()
    }

    fn backend(&self, service: u32) -> std::sync::Arc<BackendState> {
        let state = |table: &Table| Some(table.service(service)?.backends.first()?.state.clone());
        self.store.read(state).expect("the service's server")
    }
}

const A: u32 = 0;
const B: u32 = 1;

#[test]
fn members_get_their_shares() {
    let unknown = ("nobody", 5);
    let top = weighted("top", &[("a", 3), ("b", 1), ("c", 0), unknown], None);
    let world = world(vec![top]);
    assert_eq!(world.servers(0, 8), [1, 1, 1, 2, 1, 1, 1, 2]);
    world.backend(A).set_checked(false);
    assert_eq!(world.servers(0, 4), [0, 0, 0, 2], "nobody has asked for health checks");
    let mut checked = weighted("top", &[("a", 3), ("b", 1)], None);
    checked.health_check = true;
    world.store.publish(model_of(vec![checked]));
    assert_eq!(world.servers(0, 4), [2; 4], "passed over, as it was found before");
    world.backend(B).set_checked(false);
    assert!(world.way(0).is_none());
}

#[test]
fn a_repetition_goes_to_another_member() {
    let mut world = world(vec![weighted("top", &[("a", 1), ("b", 1)], Some("top"))]);
    world.cookies = vec![b"top=a".to_vec()];
    assert_eq!(world.servers(0, 2), [1, 1]);
    let id = world.backend(A).id;
    world.tried.add(id);
    let way = world.way(0).expect("the other one");
    assert_eq!((way.server, way.set_cookies.len()), (2, 1), "and stays there");
}

#[test]
fn each_level_has_its_cookie() {
    let mut model = model_of(vec![
        weighted("mid", &[("a", 1), ("b", 1)], Some("mid")),
        weighted("top", &[("mid", 1), ("c", 1)], Some("top")),
    ]);
    for service in model.services.values_mut() {
        Arc::make_mut(service).sticky = Some(sticky("own"));
    }
    let mut world = World::new(model);
    let first = world.way(1).expect("a server");
    let names: Vec<_> =
        first.set_cookies.iter().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, ["Set-Cookie: top", "Set-Cookie: mid", "Set-Cookie: own"]);
    assert_eq!(world.way(1).map(|way| (way.server, way.set_cookies.len())), Some((3, 2)));
    let pair = |line: &String| line["Set-Cookie: ".len()..].split(';').next().unwrap().to_owned();
    let pairs: Vec<String> = first.set_cookies.iter().map(pair).collect();
    world.cookies = vec![pairs.join("; ").into_bytes()];
    for _ in 0..5 {
        let way = world.way(1).expect("a server");
        assert_eq!((way.server, way.set_cookies.len()), (first.server, 0));
    }
    // Without the middle one the client stays at the top, and gets what is missing below.
    world.cookies = vec![pairs[0].clone().into_bytes()];
    assert_eq!(world.way(1).expect("a server").set_cookies.len(), 2);
}

#[test]
fn cookies_that_traefik_wrote_lead_to_the_member() {
    let mut world = world(vec![weighted("top", &[("a", 1), ("b", 1)], Some("c"))]);
    // FNV-1, SHA-256 and clear, of `b` and of `b@file`.
    for value in ["af63bd4c8601b7bd", "3e23e8160039594a", "b", "b@file"] {
        world.cookies = vec![format!("c={value}").into_bytes()];
        let ways: Vec<_> = (0..2).filter_map(|_| world.way(0)).collect();
        assert!(ways.iter().all(|way| way.server == 2), "{value}");
        let outdated = value != "3e23e8160039594a";
        assert!(ways.iter().all(|way| way.set_cookies.is_empty() != outdated), "{value}");
    }
}

#[test]
fn a_client_keeps_its_member_by_its_address() {
    let kind = GroupKind::HighestRandomWeight { members: members(&[("a", 1), ("b", 1)]) };
    let mut top = group("top", kind);
    top.health_check = true;
    let mut world = world(vec![top]);
    let mut seen = Vec::new();
    for client in ["127.0.0.1", "127.0.7.44", "127.0.19.6", "127.0.23.7", "127.0.254.12"] {
        world.peer = client.into();
        let ways = world.servers(0, 3);
        assert_eq!(ways, [ways[0]; 3], "{client}");
        seen.push(ways[0]);
    }
    // Seen from Traefik 3.7.9.
    assert_eq!(seen, [1, 2, 1, 2, 2]);
    world.backend(B).set_checked(false);
    assert_eq!(world.servers(0, 1), [1]);
}

#[test]
fn a_fallback_answers_for_who_cannot() {
    let mut world = world(vec![failover("top", &[])]);
    assert_eq!(world.servers(0, 3), [1; 3]);
    world.backend(A).eject(10);
    assert_eq!(world.servers(0, 3), [2; 3], "who has just refused a connection is not waited for");
    world.backend(B).set_checked(false);
    assert_eq!(world.servers(0, 3), [1; 3], "unless nobody else is left");
    world.now = 10;
    world.backend(B).set_checked(true);
    assert_eq!(world.servers(0, 3), [1; 3]);
    world.backend(A).set_checked(false);
    assert_eq!(world.servers(0, 3), [2; 3]);
}

#[test]
fn a_fallback_waits_for_answers_that_nobody_wants() {
    let mut world = world(vec![failover("top", &[500..=504, 404..=404])]);
    let way = world.way(0).expect("the main service");
    let group = way.wishes.fallback(502).map(|fallback| fallback.group).expect("it is awaited");
    assert!(way.wishes.fallback(404).is_some() && way.wishes.fallback(403).is_none());
    assert_eq!((way.server, way.wishes.kept_body()), (1, 9));
    world.tried.give_up(group);
    let way = world.way(0).expect("the fallback");
    assert!(way.server == 2 && way.wishes.fallbacks.is_empty());
    world.tried = Tried::default();
    world.backend(B).set_checked(false);
    let way = world.way(0).expect("the main service");
    assert!(way.server == 1 && way.wishes.fallbacks.is_empty(), "nobody could answer instead");
}

proptest! {
    #[test]
    fn mirrors_get_their_part(percent in 0_u8..=100, body in any::<bool>()) {
        let mirror = |percent| model::Mirror { service: "b@file".into(), percent };
        let mirrors = vec![mirror(percent), mirror(100)];
        let kind = GroupKind::Mirroring {
            service: "a@file".into(),
            mirrors,
            mirror_body: body,
            max_body_size: 7,
        };
        let mut world = world(vec![group("top", kind)]);
        let mut copies = 0;
        for request in 1..=300 {
            let way = world.way(0).expect("the main service");
            prop_assert_eq!(way.server, 1);
            prop_assert_eq!(way.wishes.kept_body(), if body { 7 } else { 0 });
            copies += way.wishes.copies.len() - 1;
            // Evenly, beginning with the first: never more than one away from its part.
            prop_assert_eq!(copies, (request * usize::from(percent)).div_ceil(100));
        }
        let id = world.backend(B).id;
        world.tried.add(id);
        prop_assert!(world.way(0).expect("a repetition").wishes.copies.is_empty());
    }

    /// Whatever names whatever: every way ends, and where it ends a server stands.
    #[test]
    fn circles_answer_nobody(
        edges in proptest::collection::vec((0_usize..6, 0_usize..8, any::<bool>()), 0..20)
    ) {
        let names = ["g0", "g1", "g2", "g3", "g4", "g5", "a", "b"];
        let groups = (0..6).map(|from| {
            let below: Vec<(&str, u32)> = edges
                .iter()
                .filter(|edge| edge.0 == from)
                .map(|edge| (names[edge.1], 1))
                .collect();
            Group { health_check: from % 2 == 0, ..weighted(names[from], &below, None) }
        });
        let world = world(groups.collect());
        for group in 0..6 {
            for server in world.servers(group, 4) {
                prop_assert!(server <= 2);
            }
        }
        // The plain way to see whether a group leads in a circle.
        let below = |from: usize| edges.iter().filter(move |e| e.0 == from && e.1 < 6).map(|e| e.1);
        let mut reach: Vec<Vec<bool>> = (0..6).map(|from| {
            (0..6).map(|to| below(from).any(|next| next == to)).collect()
        }).collect();
        for via in 0..6 {
            for from in 0..6 {
                for to in 0..6 {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        for group in 0..6 {
            let mut circles = (0..6).filter(|&at| reach[at][at]);
            if circles.any(|at| at == group || reach[group][at]) {
                prop_assert!(world.way(group as u32).is_none());
            }
        }
    }
}

#[test]
fn no_way_is_too_long() {
    let names: Vec<String> = (0..=crate::limits::GROUP_DEPTH).map(|i| format!("g{i:02}")).collect();
    let mut below = "a";
    let chain = names.iter().map(|name| {
        let group = weighted(name, &[(below, 1)], None);
        below = name;
        group
    });
    let world = world(chain.collect());
    let last = crate::limits::GROUP_DEPTH as u32;
    assert_eq!(world.servers(last - 1, 1), [1]);
    assert!(world.way(last).is_none());
}
