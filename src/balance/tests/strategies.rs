//! What holds for every strategy, and what each is for.

use super::*;

#[test]
fn who_must_not_be_chosen_is_not() {
    for strategy in ALL {
        let mut world = World::of([service("s", strategy, &[1, 0, 1, 1])]);
        let chosen = |world: &mut World| -> Vec<u8> {
            let mut chosen = Vec::new();
            for client in 0..200 {
                world.peer = format!("192.0.2.{client}");
                chosen.extend(world.next());
            }
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        };
        assert_eq!(chosen(&mut world), [1, 3, 4], "{strategy:?}: weight 0");
        world.with(0, |state| assert!(state.set_checked(false)));
        assert_eq!(chosen(&mut world), [3, 4], "{strategy:?}: down");
        world.with(2, |state| state.eject(10));
        assert_eq!(chosen(&mut world), [4], "{strategy:?}: ejected");
        let id = world.with(3, |state| state.id);
        world.tried.add(id);
        assert_eq!(chosen(&mut world), [3], "{strategy:?}: ejected is better than none");
        world.with(2, |state| state.set_checked(false));
        assert_eq!(chosen(&mut world), [0; 0], "{strategy:?}: down is not");
        world.with(0, |state| state.set_checked(true));
        assert_eq!(chosen(&mut world), [1], "{strategy:?}: well again");
    }
}

#[test]
fn turns_are_exact() {
    let world = World::of([service("s", Strategy::RoundRobin, &[2, 1, 1])]);
    let turns: Vec<_> = (0..8).filter_map(|_| world.next()).collect();
    assert_eq!(turns, [1, 1, 2, 3, 1, 1, 2, 3]);
}

#[test]
fn of_two_the_one_with_less_to_do() {
    let world = World::of([service("s", Strategy::PowerOfTwo, &[1; 4])]);
    for share in world.shares::<4>(4000) {
        assert!((850..1150).contains(&share), "{share} of 4000");
    }
    // Wherever a request is in flight, every worker takes it into account.
    world.with(0, |state| state.cells[WORKERS - 1].active.add(5));
    world.with(1, |state| state.cells[0].active.add(1));
    let [busiest, busy, ..] = world.shares::<4>(3000);
    assert_eq!(busiest, 0, "it loses against each of the others");
    assert!((350..650).contains(&busy), "it wins against one of three: {busy} of 3000");
    let two = World::of([service("s", Strategy::PowerOfTwo, &[1, 1])]);
    two.with(0, |state| state.cells[0].active.add(1));
    assert_eq!(two.shares::<2>(100), [0, 100], "two are always both drawn");
}

/// Seen from Traefik 3.7.9.
#[test]
fn hashes_are_traefiks() {
    let mut service = service("s", Strategy::HighestRandomWeight, &[1, 1, 2]);
    for (server, ip) in service.servers.iter_mut().zip([[1, 1], [22, 7], [3, 9]]) {
        server.url.addr = ([127, 0, ip[0], ip[1]], 9101).into();
    }
    let mut world = World::of([service]);
    for (client, server) in [
        ("127.0.0.1", 7),
        ("127.0.0.2", 7),
        ("127.0.1.3", 9),
        ("127.0.7.44", 9),
        ("127.0.8.5", 9),
        ("127.0.19.6", 1),
        ("127.0.23.7", 9),
        ("127.0.44.8", 9),
        ("127.0.99.9", 7),
        ("127.0.130.10", 9),
        ("127.0.200.11", 1),
        ("127.0.254.12", 9),
    ] {
        world.peer = client.into();
        assert_eq!(world.next(), Some(server), "{client}");
    }
}

#[test]
fn a_hash_keeps_clients_where_they_are() {
    let mut world = World::of([service("s", Strategy::HighestRandomWeight, &[1, 1, 1, 3])]);
    let places = |world: &mut World| -> Vec<u8> {
        let place = |client: u32| {
            world.peer = std::net::Ipv4Addr::from_bits(0xc633_0000 + client * 7).to_string();
            world.next().expect("one of them")
        };
        (0..6000).map(place).collect()
    };
    let before = places(&mut world);
    let share = |number| before.iter().filter(|&&n| n == number).count();
    for (number, weight) in [(1, 1), (2, 1), (3, 1), (4, 3)] {
        let share = share(number);
        assert!((700 * weight..1300 * weight).contains(&share), "{number}: {share} of 6000");
    }
    world.with(1, |state| state.set_checked(false));
    let after = places(&mut world);
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || *before == 2, "{before} became {after}");
        assert_ne!(*after, 2);
    }
}

#[test]
fn the_fastest_gets_most() {
    let world = World::of([service("s", Strategy::LeastTime, &[1, 1, 2])]);
    assert_eq!(world.shares::<3>(8), [2, 2, 4], "nothing is known: turns, by weight");
    let took = |backend, millis| {
        world.with(backend, |state| {
            let latency = state.latency(0).expect("it is measured");
            latency.record(Duration::from_millis(millis));
        });
    };
    took(0, 10);
    took(1, 30);
    took(2, 30);
    assert_eq!(world.shares::<3>(10), [10, 0, 0], "10 is less than 30 and 30 / 2");
    world.with(0, |state| state.cells[0].active.add(1));
    assert_eq!(world.shares::<3>(10), [0, 0, 10], "10 × 2 is more than 30 / 2");
    world.with(0, |state| state.cells[0].active.sub(1));
    (0..100).for_each(|_| took(0, 40));
    assert_eq!(world.shares::<3>(10), [0, 0, 10]);
    (0..100).for_each(|_| took(2, 60));
    assert_eq!(world.shares::<3>(12), [0, 6, 6], "30 and 60 / 2 take turns");
    world.with(1, |state| state.cells[1].active.add(9));
    assert_eq!(world.shares::<3>(12), [0, 6, 6], "what another worker does there is its own");
}

#[test]
fn nobody_is_measured_in_vain() {
    let world = World::of([service("s", Strategy::RoundRobin, &[1])]);
    assert!(world.with(0, |state| state.latency(0).is_none()));
    world.store.publish(model([service("s", Strategy::LeastTime, &[1])]));
    assert!(world.with(0, |state| state.latency(WORKERS - 1).is_some()));
}

#[test]
fn a_cookie_does_not_lead_to_who_is_down() {
    let sticky = Some(sticky("c"));
    let mut world = World::of([Service { sticky, ..service("s", Strategy::RoundRobin, &[1, 1]) }]);
    world.cookies = vec![b"c=http://10.0.1.2:80".to_vec()];
    assert_eq!((world.next(), world.next()), (Some(2), Some(2)));
    world.with(1, |state| state.set_checked(false));
    let choice = world.store.read(|table| choose(table.service(0)?, &world.ask()));
    assert_eq!(choice, Some(Choice { backend: 0, set_cookie: true, by_cookie: false }));
}

#[test]
fn who_stops_keeps_only_those_that_may_ask_again() {
    let mut shop = service("shop", Strategy::RoundRobin, &[1, 1]);
    shop.sticky = Some(sticky("c"));
    let mut world = World::of([shop.clone()]);
    let line = world.store.read(|table| {
        let sticky = table.service(0)?.sticky.as_ref()?;
        Some(String::from_utf8_lossy(sticky.set_cookie(0)).into_owned())
    });
    let pair = line.as_deref().and_then(|line| line.split([' ', ';']).nth(1)).expect("a cookie");
    world.cookies = vec![pair.as_bytes().to_vec()];
    world.idempotent = false;
    assert_eq!(world.next(), Some(1), "its own backend serves");
    shop.servers[0].state = ServerState::Draining;
    world.store.publish(model([shop.clone()]));
    assert_eq!(world.next(), Some(2), "a POST would be lost with its backend");
    world.idempotent = true;
    assert_eq!(world.next(), Some(1), "a GET goes elsewhere if nobody answers");
    shop.servers[1].state = ServerState::Draining;
    world.store.publish(model([shop]));
    world.idempotent = false;
    assert_eq!(world.next(), Some(1), "better than nobody");
}
