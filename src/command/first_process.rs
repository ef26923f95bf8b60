//! The ringress that this container was started for.

/// What process 1 was started with, without its name; `None` where that is no ringress: outside of
/// a container it is somebody else's.
pub fn arguments() -> Option<Vec<String>> {
    let line = std::fs::read("/proc/1/cmdline").unwrap_or_default();
    let mut args = line.split(|&b| b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned());
    if !args.next()?.ends_with("ringress") {
        return None;
    }
    let mut args: Vec<String> = args.collect();
    // Behind the last terminator.
    args.pop();
    Some(args)
}
