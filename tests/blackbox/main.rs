//! Black-box tests: the real binary between real sockets, on every driver.
//!
//! Discovery talks to a fake Docker Engine, so that backends come and go as a case wants. A case
//! is a function of the driver; `both_drivers!` makes two tests of each.
//!
//! | file | what it shows |
//! |---|---|
//! | `access_log` | a line for each request, what is in it, its file |
//! | `balancing` | alternation, cookies of all generations, replicas, restart, scaling |
//! | `heads` | forwarded headers, statuses and bodies of our own, methods, versions, pipelining |
//! | `bodies` | lengths, chunks, 100-continue, odd endings, in both directions |
//! | `upgrades` | WebSockets and raw tunnels |
//! | `misbehaviour` | bad backends and rude clients: who is cut, and that others are not |
//! | `hardening` | what an attacker found once: stale pools, lying ends, costly heads |
//! | `hostile` | tables: bytes that must not be read in two ways, in both directions |
//! | `waiting` | whose time is whose: 408, 504, clients that leave while they wait |
//! | `bounds` | options that bound heads, times and connections |
//! | `overload` | more clients, bytes or descriptors than there is room for |
//! | `proxy_protocol` | headers of both versions, from whom they are believed |
//! | `services` | health checks, strategies, weighted groups, fallbacks, mirrors |
//! | `draining` | clients before, at and after the stop signal |
//! | `complaints` | bad labels and flags: one clear message, everything else works |
//! | `check` | what `ringress check` prints, and its exit status |
//! | `doctor` | what `ringress doctor` tells, what `ringress swarm` changes |
//! | `top` | the figures in a terminal |
//! | `files` | dynamic configuration in files, and what happens to them |
//! | `handover` | restarts in place under load, and each way in which one can fail |
//! | `metrics` | `/metrics`: counts, names, what vanishes |
//! | `life` | the engine gone and back, graceful stop |
//!
//! | support | |
//! |---|---|
//! | `harness` | the process under test, addresses, waiting |
//! | `engine` | the fake engine |
//! | `backends` | echo and the mocks, each named after what it does |
//! | `client` | a client that hides nothing |

mod access_log;
mod backends;
mod client;
mod engine;
mod harness;

mod balancing;
mod bodies;
mod bounds;
mod check;
mod complaints;
mod doctor;
mod draining;
mod files;
mod handover;
mod hardening;
mod heads;
mod hostile;
mod language;
mod life;
mod metrics;
mod misbehaviour;
mod overload;
mod proxy_protocol;
mod services;
mod stacks;
mod top;
mod upgrades;
mod waiting;
mod worlds;
