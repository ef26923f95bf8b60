//! The one thing that Ringress changes in a swarm, and only when its operator says so: whether the
//! containers of a service may use io_uring.
//!
//! A stack file cannot say it, nor can `docker service update`; the API can since 1.44 (Engine 25),
//! the release whose default profile took io_uring away. The rest of the service goes back as it
//! came, with what is unknown here.

use std::io;

use serde_json::{Value, json};

use crate::nearest::nearest;

use super::engine::bollard::BollardEngine;
use super::engine::{ApiVersion, Engine as _, Trouble};

/// The first API version with `ContainerSpec.Privileges.Seccomp`.
const SINCE: ApiVersion = ApiVersion { major: 1, minor: 44 };

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    #[error("{0}")]
    Engine(#[from] Trouble),
    #[error(
        "the engine speaks API {0}; a service's seccomp profile can be set from {SINCE} on \
         (Engine 25), and engines before that allow io_uring anyway"
    )]
    TooOld(ApiVersion),
    #[error("there is no service {name:?}{hint}")]
    NoService { name: String, hint: String },
    #[error("the engine's description of the service has no {0}")]
    Strange(&'static str),
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
}

/// What became of the wish.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was so already.
    Unchanged,
    /// The swarm replaces the service's containers now, by the service's own update rules; what the
    /// engine had to say about it.
    Changed { warnings: Vec<String> },
    /// `Privileges` as it was and as it would become.
    Planned { from: Value, to: Value },
}

/// Gives the containers of a service `seccomp=unconfined`, or takes it from them.
pub fn allow_io_uring(
    endpoint: &str,
    name: &str,
    allow: bool,
    dry: bool,
) -> Result<Outcome, Obstacle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut engine = BollardEngine::new(endpoint);
        let version = engine.negotiate().await?;
        if version.api < SINCE {
            return Err(Obstacle::TooOld(version.api));
        }
        let services = engine.services().await?;
        let known = |service: &&super::engine::words::Service| {
            service.spec.name == name || service.id == name
        };
        let Some(service) = services.iter().find(known) else {
            let near = nearest(name, services.iter().map(|service| service.spec.name.as_str()));
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            return Err(Obstacle::NoService { name: name.to_owned(), hint });
        };
        let mut whole = engine.service(&service.id).await?;
        let index = whole["Version"]["Index"].as_u64().ok_or(Obstacle::Strange("Version.Index"))?;
        let container = whole
            .pointer_mut("/Spec/TaskTemplate/ContainerSpec")
            .and_then(Value::as_object_mut)
            .ok_or(Obstacle::Strange("Spec.TaskTemplate.ContainerSpec"))?;
        let from = container.get("Privileges").cloned().unwrap_or_default();
        let to = wanted(from.clone(), allow);
        if from == to {
            return Ok(Outcome::Unchanged);
        }
        if dry {
            return Ok(Outcome::Planned { from, to });
        }
        container.insert("Privileges".to_owned(), to);
        let answer = engine.update_service(&service.id, index, &whole["Spec"]).await?;
        let warnings = answer["Warnings"].as_array().into_iter().flatten();
        let warnings = warnings.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Outcome::Changed { warnings })
    })
}

/// The privileges with or without the profile; null where nothing is said, as engines have it.
fn wanted(mut privileges: Value, allow: bool) -> Value {
    let is_unconfined = privileges["Seccomp"]["Mode"] == "unconfined";
    match (allow, is_unconfined) {
        (true, false) => {
            if !privileges.is_object() {
                privileges = json!({ "CredentialSpec": null, "SELinuxContext": null });
            }
            privileges["Seccomp"] = json!({ "Mode": "unconfined" });
        }
        // A profile that somebody else has chosen is not ours to take.
        (false, true) => privileges["Seccomp"] = Value::Null,
        _ => {}
    }
    privileges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_profile_comes_and_goes() {
        let unconfined = json!({ "Seccomp": { "Mode": "unconfined" }, "NoNewPrivileges": true });
        let plain = json!({ "NoNewPrivileges": true });
        assert_eq!(wanted(plain.clone(), true), unconfined);
        assert_eq!(wanted(unconfined.clone(), true), unconfined);
        assert_eq!(wanted(unconfined, false), json!({ "Seccomp": null, "NoNewPrivileges": true }));
        assert_eq!(wanted(plain.clone(), false), plain);
        assert_eq!(wanted(Value::Null, false), Value::Null);
        assert_eq!(wanted(Value::Null, true)["Seccomp"]["Mode"], "unconfined");
        let custom = json!({ "Seccomp": { "Mode": "custom", "Profile": "e30=" } });
        assert_eq!(wanted(custom.clone(), false), custom);
    }
}
