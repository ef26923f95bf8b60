//! Plain containers on the same real engine, without the swarm: `--providers.docker`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::Conn;
use crate::docker::{docker, eventually};
use crate::load::Load;

const LB: &str = "ringress-plain-lb";
const APPS: [&str; 2] = ["ringress-plain-a", "ringress-plain-b"];

/// The containers of this test, removed again whatever happens.
struct Containers;

impl Drop for Containers {
    fn drop(&mut self) {
        let all = [&["rm", "-f", LB], &APPS[..]].concat();
        let _ = std::process::Command::new("docker").args(all).output();
    }
}

#[test]
fn containers_come_and_go() {
    let driver = crate::asked_for();
    let _containers = Containers;
    for name in APPS {
        docker(&[
            "run",
            "-d",
            "--name",
            name,
            "--hostname",
            name,
            "--no-healthcheck",
            "-l",
            "traefik.http.routers.web.rule=PathPrefix(`/`)",
            "-l",
            "traefik.http.services.web.loadbalancer.server.port=8080",
            "ringress:latest",
            "echo",
        ]); // The same router and service on both: their servers are united.
    }
    docker(&[
        "run",
        "-d",
        "--name",
        LB,
        "-e",
        &format!("RINGRESS_DRIVER={driver}"),
        "-v",
        "/var/run/docker.sock:/var/run/docker.sock:ro",
        "ringress:latest",
        "--providers.docker",
        "--entrypoints.web.address=:80",
        "--api.insecure",
        "--ping",
    ]);
    let address = docker(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", LB]);
    let entry: SocketAddr = format!("{address}:80").parse().expect("the lb's address");
    let who = || {
        let answer = Conn::open(entry).get("/", &[]);
        (answer.status == 200).then(|| answer.backend().unwrap_or_default().to_owned())
    };
    let both = || BTreeSet::from([who(), who()]);
    let all = BTreeSet::from(APPS.map(|name| Some(name.to_owned())));
    eventually("both containers answer", Duration::from_secs(20), || {
        std::net::TcpStream::connect(entry).is_ok().then(both).filter(|found| *found == all)
    });
    let turns: Vec<_> = (0..4).map(|_| who()).collect();
    assert!(turns[0] != turns[1] && turns[..2] == turns[2..], "not A, B, A, B: {turns:?}");

    let load = Load::start(entry, &[None, None]);
    std::thread::sleep(Duration::from_millis(300));
    docker(&["stop", APPS[1]]);
    assert_eq!(both(), BTreeSet::from([Some(APPS[0].to_owned())]), "a stopped one answers");
    let begun = Instant::now();
    docker(&["start", APPS[1]]);
    let started = begun.elapsed();
    eventually("the started one answers", Duration::from_secs(10), || {
        Some(both()).filter(|found| *found == all)
    });
    println!(
        "figure: {driver}: plain containers: answers {} ms after `docker start` returned",
        begun.elapsed().saturating_sub(started).as_millis()
    );
    let outcomes = load.finish();
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.backend.is_err()).collect();
    println!(
        "figure: {driver}: plain containers, stop and start: {} sent, {} failed",
        outcomes.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{:?}", &failed[..failed.len().min(10)]);
}
