//! The kernel and what the container leaves of the machine.

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::config::Static;
use crate::worker::ladder::{self, Rung, Standing};
use crate::worker::{affinity, cgroup};

/// Below this many descriptors clients are turned away on a busy day: each takes two.
const DESCRIPTORS: u64 = 65_536;

/// The first kernel on which rings do not count against the memlock limit.
const UNLOCKED: (u32, u32) = (5, 12);

/// What the machine says.
pub(super) struct Facts {
    /// `6.1.0-18-amd64`
    kernel: String,
    standing: Result<Standing, String>,
    /// Of this process: 0 none, 1 strict, 2 filtered.
    seccomp: Option<u8>,
    /// Descriptors that the process may have; `None` for no bound.
    descriptors: Option<u64>,
    /// Bytes; `None` for no bound.
    memlock: Option<u64>,
    cpus: usize,
    workers: usize,
    /// CPUs' worth of time.
    quota: Option<f64>,
    memory: u64,
}

pub(super) fn gather(statics: &Static) -> Facts {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let seccomp = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    let cpus = affinity::allowed_cpus().len();
    Facts {
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        standing: ladder::probe(statics.driver).map_err(|error| error.to_string()),
        seccomp: seccomp.and_then(|mode| mode.trim().parse().ok()),
        // The hard limit: a process raises its own soft one.
        descriptors: getrlimit(Resource::Nofile).maximum,
        memlock: getrlimit(Resource::Memlock).current,
        cpus,
        workers: statics.workers.unwrap_or_else(|| affinity::default_workers(cpus)),
        quota: cgroup::cpu_quota(),
        memory: cgroup::memory(),
    }
}

/// `own_service` is the swarm service that we run in, if it is known.
pub(super) fn judge(facts: &Facts, own_service: Option<&str>) -> Vec<Finding> {
    let seccomp = match facts.seccomp {
        Some(0) => "no seccomp filter",
        Some(_) => "with a seccomp filter",
        None => "seccomp unknown",
    };
    let mut findings = vec![Finding::fine(format!("Linux {}, {seccomp}", facts.kernel))];
    findings.push(driver(facts, own_service));
    findings.extend(descriptors(facts.descriptors));
    findings.extend(memlock(facts));
    findings.push(cpus(facts));
    findings.push(Finding::fine(format!("{} MiB of memory", facts.memory >> 20)));
    findings
}

fn driver(facts: &Facts, own_service: Option<&str>) -> Finding {
    let standing = match &facts.standing {
        Ok(standing) => standing,
        Err(problem) => return Finding::error(problem, ""),
    };
    let name = standing.rung.name();
    let Some(reason) = &standing.reason else {
        return Finding::fine(format!("driver: {name}"));
    };
    let text = format!("driver: {name}; {reason}");
    match (standing.remedy, own_service) {
        (None, _) => Finding::fine(text),
        (Some(remedy), service) => {
            let remedy = match service {
                Some(service) => remedy.replace("SERVICE", service),
                None => remedy.to_owned(),
            };
            // A lower rung of io_uring is as good for all but the last percents.
            match standing.rung {
                Rung::Epoll => Finding::warning(text, remedy),
                _ => Finding::fine(format!("{text}; for a faster one {remedy}")),
            }
        }
    }
}

fn descriptors(limit: Option<u64>) -> Option<Finding> {
    let limit = match limit {
        None => return Some(Finding::fine("descriptors without a bound")),
        Some(limit) => limit,
    };
    let text = format!("{limit} descriptors at most; each client takes up to two");
    Some(match limit < DESCRIPTORS {
        true => Finding::warning(
            text,
            format!(
                "raise them: `default-ulimits` (nofile) in daemon.json, or `ulimits` of the \
                 container, to {DESCRIPTORS} or more"
            ),
        ),
        false => Finding::fine(text),
    })
}

fn memlock(facts: &Facts) -> Option<Finding> {
    let limit = facts.memlock?;
    let is_old = version(&facts.kernel).is_some_and(|version| version < UNLOCKED);
    let text = format!("{} KiB may be locked, and this kernel counts rings", limit >> 10);
    // A ring of ours takes some 100 KiB.
    let need = u64::try_from(facts.workers).unwrap_or(u64::MAX).saturating_mul(256 << 10);
    (is_old && limit < need).then(|| {
        Finding::warning(text, "raise the memlock limit of the container (`ulimits`)".to_owned())
    })
}

fn cpus(facts: &Facts) -> Finding {
    let quota = match facts.quota {
        Some(quota) => format!(", a quota of {quota} CPUs"),
        None => String::new(),
    };
    let text = format!("{} CPUs{quota}: {} workers", facts.cpus, facts.workers);
    let room = facts.quota.map_or(facts.cpus, |quota| facts.cpus.min(quota.ceil() as usize));
    match facts.workers > room {
        true => Finding::warning(
            text,
            format!("more workers than CPUs wait for each other: --ringress.workers={room}"),
        ),
        false => Finding::fine(text),
    }
}

/// `(6, 1)` of `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn facts() -> Facts {
        Facts {
            kernel: "6.1.0-18-amd64".to_owned(),
            standing: Ok(Standing { rung: Rung::UringDeferred, reason: None, remedy: None }),
            seccomp: Some(0),
            descriptors: Some(1 << 20),
            memlock: Some(64 << 10),
            cpus: 4,
            workers: 4,
            quota: None,
            memory: 1 << 30,
        }
    }

    fn troubles(facts: &Facts) -> Vec<Finding> {
        let mut found = judge(facts, Some("mystack_lb"));
        found.retain(|finding| finding.verdict != Verdict::Fine);
        found
    }

    #[test]
    fn a_good_machine_is_good() {
        assert_eq!(troubles(&facts()), []);
        assert_eq!(
            judge(&facts(), None)[1],
            Finding::fine("driver: io_uring (single issuer, deferred task work)")
        );
    }

    #[test]
    fn each_limit_is_named_with_its_remedy() {
        let few = Facts { descriptors: Some(1024), ..facts() };
        assert!(troubles(&few)[0].text.starts_with("1024 descriptors"));
        assert!(troubles(&few)[0].remedy.contains("nofile"));
        let old = Facts { kernel: "5.10.0-28-amd64".to_owned(), ..facts() };
        assert!(troubles(&old)[0].remedy.contains("memlock"));
        let many = Facts { quota: Some(1.5), ..facts() };
        assert!(troubles(&many)[0].remedy.ends_with("--ringress.workers=2"));
        let refused = Facts { standing: Err("no io_uring here".to_owned()), ..facts() };
        assert_eq!(troubles(&refused), [Finding::error("no io_uring here", "")]);
    }

    #[test]
    fn the_remedy_names_our_own_service() {
        let standing = Standing {
            rung: Rung::Epoll,
            reason: Some("forbidden".to_owned()),
            remedy: Some("run `ringress swarm enable-io-uring SERVICE`"),
        };
        let confined = Facts { standing: Ok(standing), ..facts() };
        let remedy = "run `ringress swarm enable-io-uring mystack_lb`";
        assert_eq!(troubles(&confined), [Finding::warning("driver: epoll; forbidden", remedy)]);
    }

    #[test]
    fn kernels_are_compared_by_number() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.15.167.4-microsoft"), Some((5, 15)));
        assert_eq!(version("odd"), None);
    }
}
