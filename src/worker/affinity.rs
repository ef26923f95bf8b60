//! Which CPUs the process may use: the scheduler's mask, cut by the control group's quota.

use rustix::thread::CpuSet;

use super::cgroup;

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
    // Half a CPU still needs a worker; one and a half are better used by two.
    let paid = cgroup::cpu_quota().map_or(usize::MAX, |quota| quota.ceil() as usize);
    cpus.min(paid).max(1)
}

/// Binds the calling thread to one CPU.
pub fn pin(cpu: usize) -> std::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_worker() {
        assert!(!allowed_cpus().is_empty());
        assert!(default_workers(0) >= 1);
    }
}
