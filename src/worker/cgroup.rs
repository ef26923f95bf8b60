//! What the control groups leave to the process: a container's limits are nowhere else.

use std::path::{Path, PathBuf};

/// CPUs' worth of time per period, of the tightest control group that limits it.
pub fn cpu_quota() -> Option<f64> {
    let places = places(Path::new(MOUNT), "cpu");
    places.iter().filter_map(|place| quota_in(place)).min_by(f64::total_cmp)
}

/// Bytes of memory that the process may have: the tightest control group's limit, or what the
/// machine has.
pub fn memory() -> u64 {
    let places = places(Path::new(MOUNT), "memory");
    let limit = places.iter().filter_map(|place| memory_in(place)).min();
    let system = rustix::system::sysinfo();
    let machine = (system.totalram as u64).saturating_mul(u64::from(system.mem_unit));
    limit.map_or(machine, |limit| limit.min(machine))
}

const MOUNT: &str = "/sys/fs/cgroup";

/// Folders that may hold the limits of one controller.
///
/// A container usually sees its own group at the root of the mount; outside of one, the path of
/// the group is in `/proc/self/cgroup`.
fn places(root: &Path, controller: &str) -> Vec<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut places = vec![root.to_owned(), root.join(controller)];
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        if let (Some(controllers), Some(path)) = (parts.next(), parts.next()) {
            let path = path.trim_start_matches('/');
            match controllers {
                "" => places.extend([root.join(path), root.join("unified").join(path)]),
                _ if controllers.split(',').any(|c| c == controller) => {
                    places.push(root.join(controller).join(path));
                }
                _ => {}
            }
        }
    }
    places
}

fn read(place: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(place.join(name)).ok()
}

fn quota_in(place: &Path) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|&n| n > 0.0);
    // Version 2: "max 100000" or "150000 100000".
    if let Some(text) = read(place, "cpu.max") {
        let (quota, period) = text.trim().split_once(' ')?;
        return Some(number(quota)? / number(period)?);
    }
    // Version 1: -1 for no limit.
    Some(number(&read(place, "cpu.cfs_quota_us")?)? / number(&read(place, "cpu.cfs_period_us")?)?)
}

fn memory_in(place: &Path) -> Option<u64> {
    // Version 2 says "max" for no limit, version 1 a number larger than any machine.
    let limit = read(place, "memory.max").or_else(|| read(place, "memory.limit_in_bytes"))?;
    limit.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_both_versions_are_read() {
        let dir = std::env::temp_dir().join(format!("ringress-cgroup-{}", std::process::id()));
        let write = |file: &str, text: &str| {
            let path = dir.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("mkdir");
            std::fs::write(path, text).expect("write");
        };
        write("v2/cpu.max", "150000 100000\n");
        write("v2/memory.max", "1048576\n");
        write("none/cpu.max", "max 100000\n");
        write("none/memory.max", "max\n");
        write("v1/cpu.cfs_quota_us", "50000\n");
        write("v1/cpu.cfs_period_us", "100000\n");
        write("v1/memory.limit_in_bytes", "2097152\n");
        write("v1free/cpu.cfs_quota_us", "-1\n");
        write("v1free/cpu.cfs_period_us", "100000\n");
        let quota = |place| quota_in(&dir.join(place));
        assert_eq!(quota("v2"), Some(1.5));
        assert_eq!(quota("none"), None);
        assert_eq!(quota("v1"), Some(0.5));
        assert_eq!(quota("v1free"), None);
        let memory = |place| memory_in(&dir.join(place));
        assert_eq!(memory("v2"), Some(1 << 20));
        assert_eq!(memory("none"), None);
        assert_eq!(memory("v1"), Some(2 << 20));
        std::fs::remove_dir_all(&dir).expect("clean up");
    }

    #[test]
    fn there_is_always_some_memory() {
        assert!(memory() > 1 << 20);
    }
}
