//! Ringress: an L7 load balancer on io_uring for Docker Swarm, in the place of Traefik.
//!
//! Two arrows run through the house and meet in one place, the table. A request comes in at a
//! worker, is understood, gets a backend, and its answer goes out the same way. The truth about
//! the swarm comes from the Docker Engine and ends in the table.

pub mod balance;
pub mod clock;
pub mod command;
pub mod config;
pub mod control;
pub mod discovery;
pub mod doctor;
pub mod document;
pub mod dynamic;
pub mod echo;
pub mod fault;
pub mod h1;
pub mod handover;
pub mod health;
pub mod life;
pub mod limits;
pub mod listeners;
pub mod model;
pub mod nearest;
pub mod observe;
pub mod process;
pub mod proxy_protocol;
mod relay;
pub mod request;
pub mod route;
pub mod table;
pub mod upstream;
pub mod worker;
