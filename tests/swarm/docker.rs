//! The stack through the docker client, as the user drives it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

pub const STACK: &str = "mystack";
pub const APP: &str = "mystack_app";
pub const LB: &str = "mystack_lb";
pub const NETWORK: &str = "mystack_net";

/// Runs docker; its output, or a panic with what it said.
pub fn docker(args: &[&str]) -> String {
    run("docker", args)
}

pub fn run(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output();
    let out = out.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    assert!(
        out.status.success(),
        "{program} {args:?}: {}\n{said}\n{}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    said
}

/// Calls `attempt` until it gives something; says what was waited for when the time is over.
pub fn eventually<T>(what: &str, within: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The user's stack, removed again whatever happens.
pub struct Stack;

impl Stack {
    /// Deploys compose.yml as it is, with the driver named beside it.
    pub fn deploy(driver: &str) -> Self {
        let stack = Self;
        Self::deploy_again(driver);
        stack
    }

    /// The same files again: what they do not say is taken away.
    pub fn deploy_again(driver: &str) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let file = root.join("compose.yml");
        let forced = std::env::temp_dir().join(format!("ringress-driver-{}", std::process::id()));
        let text = format!(
            "version: \"3\"\nservices:\n  lb:\n    environment:\n      RINGRESS_DRIVER: {driver}\n"
        );
        std::fs::write(&forced, text).expect("write the override");
        let (file, over) = (file.display().to_string(), forced.display().to_string());
        // No registry is reachable and none is needed: the image was built here.
        let quiet = ["stack", "deploy", "--resolve-image", "never"];
        docker(&[&quiet[..], &["-c", &file, "-c", &over, STACK]].concat());
        let _ = std::fs::remove_file(&forced);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for args in [
                &["stack", "ps", "--no-trunc", STACK][..],
                &["service", "logs", "--raw", "--tail", "60", LB],
                &["service", "logs", "--raw", "--tail", "20", APP],
            ] {
                let out = Command::new("timeout").args(["10", "docker"]).args(args).output();
                if let Ok(out) = out {
                    eprintln!("--- docker {}", args.join(" "));
                    eprintln!("{}", String::from_utf8_lossy(&out.stdout));
                    eprintln!("{}", String::from_utf8_lossy(&out.stderr));
                }
            }
        }
        let _ = Command::new("timeout").args(["30", "docker", "stack", "rm", STACK]).output();
        // The next deployment needs the network's name.
        for _ in 0..100 {
            let left = Command::new("docker")
                .args(["network", "ls", "-q", "--filter", &format!("name={NETWORK}")])
                .output();
            if left.is_ok_and(|out| out.stdout.is_empty()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Waits until so many tasks of the service run; how many do when the time is over is an error.
pub fn wait_for_running(service: &str, count: usize) {
    eventually(&format!("{count} running tasks of {service}"), Duration::from_secs(90), || {
        (running(service).len() == count).then_some(())
    });
}

/// Names of the tasks that run and shall run.
pub fn running(service: &str) -> Vec<String> {
    let format = "{{.Name}} {{.CurrentState}}";
    let wanted = ["service", "ps", "--filter", "desired-state=running", "--format", format];
    let all = docker(&[&wanted[..], &[service]].concat());
    all.lines().filter(|line| line.contains(" Running")).map(str::to_owned).collect()
}

/// Container id, as its hostname has it, to address on the stack's network, of all that run.
pub fn addresses(service: &str) -> BTreeMap<String, String> {
    let filter = format!("label=com.docker.swarm.service.name={service}");
    let ids = docker(&["ps", "--filter", &filter, "--format", "{{.ID}}"]);
    let format = format!("{{{{(index .NetworkSettings.Networks \"{NETWORK}\").IPAddress}}}}");
    ids.lines()
        .filter_map(|id| {
            // A container may go between the two commands: then it does not run.
            let out = Command::new("docker").args(["inspect", "-f", &format, id]).output().ok()?;
            let address = String::from_utf8_lossy(&out.stdout).trim().to_owned();
            (out.status.success() && !address.is_empty()).then(|| (id.to_owned(), address))
        })
        .collect()
}

/// When the swarm called the container's task running: milliseconds of the Unix epoch.
pub fn running_since_ms(container: &str) -> u128 {
    let label = "{{index .Config.Labels \"com.docker.swarm.task.id\"}}";
    let task = docker(&["inspect", "-f", label, container]);
    let stamp = docker(&["inspect", "-f", "{{.Status.Timestamp.UnixNano}}", &task]);
    stamp.parse::<u128>().unwrap_or_else(|e| panic!("{stamp:?}: {e}")) / 1_000_000
}

/// Leads the published ports on loopback straight to the lb's task.
///
/// The routing mesh needs IPVS, which not every kernel has; without it a published port leads
/// nowhere. The task has an address on the gateway bridge, and one rule per port in the engine's
/// own network namespace brings the user's URLs there. Where the mesh works the way is merely
/// shorter.
pub fn stand_in_for_the_mesh() {
    let filter = format!("label=com.docker.swarm.service.name={LB}");
    let id = docker(&["ps", "-q", "--filter", &filter]);
    let sandbox = docker(&["inspect", "-f", "{{.NetworkSettings.SandboxID}}", &id]);
    let gateway = format!("gateway_{}", &sandbox[..12]);
    let members = docker(&[
        "network",
        "inspect",
        "docker_gwbridge",
        "-f",
        "{{range .Containers}}{{.Name}} {{.IPv4Address}}\n{{end}}",
    ]);
    let address = members
        .lines()
        .find_map(|line| line.strip_prefix(&gateway)?.trim().split('/').next())
        .unwrap_or_else(|| panic!("{gateway} is not among {members}"));
    // Otherwise the kernel drops what comes from loopback and leaves by another interface.
    std::fs::write("/proc/sys/net/ipv4/conf/all/route_localnet", "1").expect("route_localnet");
    for (published, inside) in [("25580", "80"), ("25581", "8080")] {
        let to = format!("{address}:{inside}");
        let ours = ["-p", "tcp", "-d", "127.0.0.1", "--dport", published, "-j", "DNAT"];
        run("iptables", &[&["-t", "nat", "-I", "OUTPUT"], &ours[..], &["--to", &to]].concat());
    }
    let leaving = ["-s", "127.0.0.1", "-o", "docker_gwbridge", "-j", "MASQUERADE"];
    run("iptables", &[&["-t", "nat", "-I", "POSTROUTING"], &leaving[..]].concat());
}
