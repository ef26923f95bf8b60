//! Which CPUs the process may use: the scheduler's mask, cut by the control group's quota.

use std::path::Path;

use rustix::thread::CpuSet;

/// The CPUs that this process may run on, ascending.
pub fn allowed_cpus() -> Vec<usize> {
    rustix::thread::sched_getaffinity(None).map_or_else(
        |_| Vec::new(),
        |set| (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect(),
    )
}

/// Workers to run when nobody says how many: one per allowed CPU, but not more than the control
/// group's quota pays for. More threads than quota would only throttle each other.
pub fn default_workers(cpus: usize) -> usize {
    let quota = quota(Path::new("/sys/fs/cgroup"), "/proc/self/cgroup");
    // Half a CPU still needs a worker; one and a half are better used by two.
    let paid = quota.map_or(usize::MAX, |quota| quota.ceil() as usize);
    cpus.min(paid).max(1)
}

/// Binds the calling thread to one CPU.
pub fn pin(cpu: usize) -> std::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// CPUs' worth of time per period, of the first control group that limits it.
///
/// A container usually sees its own group at the root of the mount; outside of one, the path of
/// the group is in `/proc/self/cgroup`.
fn quota(root: &Path, own: &str) -> Option<f64> {
    let own = std::fs::read_to_string(own).unwrap_or_default();
    let mut places = vec![root.to_owned(), root.join("cpu")];
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        if let (Some(controllers), Some(path)) = (parts.next(), parts.next()) {
            let path = path.trim_start_matches('/');
            match controllers {
                "" => places.extend([root.join(path), root.join("unified").join(path)]),
                _ if controllers.split(',').any(|c| c == "cpu") => {
                    places.push(root.join("cpu").join(path));
                }
                _ => {}
            }
        }
    }
    places.iter().filter_map(|place| quota_in(place)).min_by(f64::total_cmp)
}

fn quota_in(place: &Path) -> Option<f64> {
    let read = |name| std::fs::read_to_string(place.join(name)).ok();
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|&n| n > 0.0);
    // Version 2: "max 100000" or "150000 100000".
    if let Some(text) = read("cpu.max") {
        let (quota, period) = text.trim().split_once(' ')?;
        return Some(number(quota)? / number(period)?);
    }
    // Version 1: -1 for no limit.
    Some(number(&read("cpu.cfs_quota_us")?)? / number(&read("cpu.cfs_period_us")?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_both_versions_are_read() {
        let dir = std::env::temp_dir().join(format!("ringress-quota-{}", std::process::id()));
        let write = |file: &str, text: &str| {
            let path = dir.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("mkdir");
            std::fs::write(path, text).expect("write");
        };
        write("v2/cpu.max", "150000 100000\n");
        write("none/cpu.max", "max 100000\n");
        write("v1/cpu/cpu.cfs_quota_us", "50000\n");
        write("v1/cpu/cpu.cfs_period_us", "100000\n");
        write("v1free/cpu/cpu.cfs_quota_us", "-1\n");
        write("v1free/cpu/cpu.cfs_period_us", "100000\n");
        assert_eq!(quota(&dir.join("v2"), ""), Some(1.5));
        assert_eq!(quota(&dir.join("none"), ""), None);
        assert_eq!(quota(&dir.join("v1"), ""), Some(0.5));
        assert_eq!(quota(&dir.join("v1free"), ""), None);
        std::fs::remove_dir_all(&dir).expect("clean up");
    }

    #[test]
    fn there_is_always_a_worker() {
        assert!(!allowed_cpus().is_empty());
        assert!(default_workers(0) >= 1);
    }
}
