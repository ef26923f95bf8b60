//! What the backends say that they got, told by themselves in datagrams.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Where the backends tell of their requests: our end of the hosts' network.
pub const ADDRESS: &str = "10.213.0.254:9999";

/// A request that a backend got.
#[derive(Debug, Clone)]
pub struct Report {
    pub backend: String,
    pub is_post: bool,
    pub id: String,
    pub at: Instant,
}

/// All reports so far. They are taken in for as long as the test lives.
#[derive(Clone)]
pub struct Reports(Arc<Mutex<Vec<Report>>>);

impl Reports {
    pub fn collect() -> Self {
        let socket = UdpSocket::bind(ADDRESS).expect("our address on the hosts' network");
        let reports = Self(Arc::default());
        let all = reports.clone();
        std::thread::spawn(move || {
            let mut datagram = [0; 512];
            while let Ok(length) = socket.recv(&mut datagram) {
                let text = String::from_utf8_lossy(&datagram[..length]);
                let mut words = text.split(' ').map(str::to_owned);
                let (Some(backend), Some(method), Some(id)) =
                    (words.next(), words.next(), words.next())
                else {
                    continue;
                };
                let report = Report { backend, is_post: method == "POST", id, at: Instant::now() };
                all.lock().push(report);
            }
        });
        reports
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Report>> {
        self.0.lock().expect("reports")
    }

    /// Those since then. Waits a moment for what is on its way.
    pub fn since(&self, begin: Instant) -> Vec<Report> {
        std::thread::sleep(Duration::from_millis(100));
        self.lock().iter().filter(|report| report.at >= begin).cloned().collect()
    }
}

/// POSTs that more than one backend got, or one of them twice.
pub fn repeated_posts(reports: &[Report]) -> usize {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for report in reports.iter().filter(|report| report.is_post) {
        *seen.entry(&report.id).or_default() += 1;
    }
    seen.values().filter(|times| **times > 1).count()
}
