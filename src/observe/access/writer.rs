//! The thread that takes lines out of the workers' rings and writes them in large pieces.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use rtrb::Consumer;

use super::RING;
use crate::observe::Count;

/// How long a line may lie in its ring when little happens.
const NAP: Duration = Duration::from_millis(100);

/// How often losses are told at most.
const TOLD: Duration = Duration::from_secs(1);

/// At the end, somebody who reads slowly is waited for so long.
const LAST: Duration = Duration::from_secs(2);

/// What workers, the writer and the rest of the process have in common.
pub struct Shared {
    /// Lines that found no room, by worker.
    pub dropped: Box<[CachePadded<Count>]>,
    /// Lines that could not be written.
    lost: Count,
    pub naps: AtomicBool,
    reopen: AtomicBool,
    stop: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Shared {
    pub fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// The writing thread; dropping it writes what is left.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What is told about the log from outside of it.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Lines that are in no log: no room in a ring, or an error of the file.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.iter().map(|count| count.get()).sum::<u64>() + self.0.lost.get()
    }

    /// Goes on in a new file of the same name: whoever rotates logs has moved the old one.
    pub fn reopen(&self) {
        self.0.reopen.store(true, Ordering::Release);
        self.0.wake();
    }
}

impl Writer {
    pub(super) fn spawn(path: Option<PathBuf>, rings: Vec<Consumer<u8>>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            dropped: rings.iter().map(|_| CachePadded::default()).collect(),
            lost: Count::default(),
            naps: AtomicBool::new(false),
            reopen: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let output = Output::open(path.as_deref());
        let work = Work { shared: Arc::clone(&shared), path, output, rings, told: Told::default() };
        let thread =
            std::thread::Builder::new().name("access-log".to_owned()).spawn(|| work.run())?;
        // Nobody else sets it.
        let _ = shared.thread.set(thread.thread().clone());
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + LAST;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if !thread.is_finished() {
            tracing::warn!("the access log is not read: its last lines are lost");
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    output: Output,
    rings: Vec<Consumer<u8>>,
    told: Told,
}

/// What was said of losses, and when.
#[derive(Default)]
struct Told {
    dropped: u64,
    error: Option<String>,
    at: Option<Instant>,
}

impl Work {
    fn run(mut self) {
        loop {
            // Looked at first: what was written before it is taken out below.
            let stopping = self.shared.stop.load(Ordering::Acquire);
            if self.shared.reopen.swap(false, Ordering::AcqRel) {
                self.drain();
                self.output = Output::open(self.path.as_deref());
            }
            let moved = self.drain();
            self.tell();
            if stopping && moved == 0 {
                return;
            }
            // Few lines can wait for others: a write of each would cost more than its making.
            if stopping || moved > RING / 2 {
                continue;
            }
            self.shared.naps.store(true, Ordering::Relaxed);
            std::thread::park_timeout(NAP);
            self.shared.naps.store(false, Ordering::Relaxed);
        }
    }

    /// Writes what lies in the rings; gives how many bytes that was.
    fn drain(&mut self) -> usize {
        let mut moved = 0;
        for ring in &mut self.rings {
            let Ok(chunk) = ring.read_chunk(ring.slots()) else { continue };
            let (first, second) = chunk.as_slices();
            moved += first.len() + second.len();
            // Only then is its room given back: a reader who is slow makes workers drop lines.
            if let Err(error) = self.output.write(&[first, second]) {
                let lines = memchr::memchr_iter(b'\n', first).count()
                    + memchr::memchr_iter(b'\n', second).count();
                self.shared.lost.add(lines as u64);
                self.told.error = Some(error.to_string());
            }
            chunk.commit_all();
        }
        moved
    }

    fn tell(&mut self) {
        if self.told.at.is_some_and(|at| at.elapsed() < TOLD) {
            return;
        }
        let dropped = Handle(Arc::clone(&self.shared)).dropped();
        if dropped == self.told.dropped {
            return;
        }
        let why = self.told.error.take().unwrap_or_else(|| "it is read too slowly".to_owned());
        tracing::warn!("access log: {} lines are lost: {why}", dropped - self.told.dropped);
        self.told.dropped = dropped;
        self.told.at = Some(Instant::now());
    }
}

enum Output {
    Standard,
    File(File),
    /// The file could not be opened.
    Nowhere(String),
}

impl Output {
    /// Of a file that cannot be opened it is said so, and serving goes on, as with Traefik.
    fn open(path: Option<&Path>) -> Self {
        let Some(path) = path else { return Self::Standard };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let opened = parent
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| OpenOptions::new().append(true).create(true).open(path));
        match opened {
            Ok(file) => Self::File(file),
            Err(error) => {
                let problem = format!("{}: {error}", path.display());
                tracing::error!("the access log cannot be opened: {problem}");
                Self::Nowhere(problem)
            }
        }
    }

    fn write(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        match self {
            Self::Standard => {
                // Locked as a whole: lines of the other log must not come between.
                let mut out = io::stdout().lock();
                parts.iter().try_for_each(|part| out.write_all(part))?;
                out.flush()
            }
            Self::File(file) => parts.iter().try_for_each(|part| file.write_all(part)),
            Self::Nowhere(problem) => Err(io::Error::other(problem.clone())),
        }
    }
}
