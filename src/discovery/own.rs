//! Which networks our own container is on.
//!
//! A backend can only be reached over a network that we share with it; knowing ours makes the
//! choice among a task's several addresses. Outside of a container, or when the engine does not
//! know us, the set is empty and the choice falls to labels and options.

use std::collections::BTreeSet;

use super::engine::words::{Network, Service, Task};
use super::engine::{Engine, Trouble};

/// What may be the id of the container that this process runs in, the surest first.
pub fn ids() -> Vec<String> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    candidates(
        &read("/proc/self/mountinfo"),
        &read("/proc/self/cgroup"),
        &read("/proc/sys/kernel/hostname"),
    )
}

fn candidates(mountinfo: &str, cgroup: &str, hostname: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The engine mounts these three from the container's own directory. Other mounts prove
    // nothing: on a host every running container shows in the list.
    for line in mountinfo.lines() {
        let mut fields = line.split(' ').skip(3);
        if let (Some(root), Some("/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf")) =
            (fields.next(), fields.next())
            && let Some((_, rest)) = root.split_once("containers/")
        {
            found.extend(hexadecimal(rest, 64));
        }
    }
    for line in cgroup.lines() {
        found.extend(line.split(['/', '-']).find_map(|part| hexadecimal(part, 64)));
    }
    found.extend(hexadecimal(hostname.trim(), 12).filter(|id| *id == hostname.trim()));
    let mut seen = BTreeSet::new();
    found.retain(|id| seen.insert(id.clone()));
    found
}

/// The first `length` characters when all of them are hexadecimal digits.
fn hexadecimal(text: &str, length: usize) -> Option<String> {
    let id = text.get(..length)?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| id.to_owned())
}

/// Names of the networks of the container that one of `ids` names.
///
/// Looked for among the swarm's tasks too: the endpoint may be another node's engine, which does
/// not know our container but knows its task.
pub async fn networks<'a, E: Engine>(
    engine: &E,
    ids: &[String],
    tasks: impl Iterator<Item = &'a Task> + Clone,
    known: &[Network],
) -> Result<BTreeSet<String>, Trouble> {
    let mut names = BTreeSet::new();
    for id in ids {
        for container in engine.containers(Some(id)).await? {
            if container.id.starts_with(id.as_str()) {
                names.extend(container.settings.networks.into_keys());
            }
        }
        for task in tasks.clone() {
            if task.status.container.id.starts_with(id.as_str()) {
                names.extend(task.attachments.iter().map(|a| a.network.spec.name.clone()));
            }
        }
        if !names.is_empty() {
            break;
        }
    }
    // Everybody who publishes a port is on the routing mesh: sharing it says nothing.
    names.retain(|name| {
        !name.is_empty()
            && name != "ingress"
            && !known.iter().any(|network| network.ingress && network.name == *name)
    });
    Ok(names)
}

/// The service whose task runs in the container that one of `ids` names.
pub fn service<'a>(
    ids: &[String],
    tasks: impl Iterator<Item = &'a Task> + Clone,
    services: &'a [Service],
) -> Option<&'a Service> {
    let own = |id: &String| tasks.clone().find(|task| task.status.container.id.starts_with(id));
    let task = ids.iter().find_map(own)?;
    services.iter().find(|service| service.id == task.service_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1c2f5c9a0b4c1d8e7f6a5b4c3d2e1f00112233445566778899aabbccddeeff";

    #[test]
    fn our_id_is_found_in_three_places() {
        let mountinfo = format!(
            "1 2 254:1 / / rw - overlay overlay rw\n\
             3 1 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/x rw\n"
        );
        assert_eq!(candidates(&mountinfo, "", "web\n"), [ID]);
        assert_eq!(candidates("", &format!("12:cpu:/docker/{ID}\n"), ""), [ID]);
        let scope = format!("0::/system.slice/docker-{ID}.scope\n");
        assert_eq!(candidates("", &scope, ""), [ID]);
        assert_eq!(candidates("", "0::/\n", "4f1c2f5c9a0b\n"), ["4f1c2f5c9a0b"]);
    }

    #[test]
    fn a_host_is_no_container() {
        let mountinfo =
            format!("9 1 0:55 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw\n");
        assert!(candidates(&mountinfo, "0::/init.scope\n", "kallisto\n").is_empty());
    }
}
