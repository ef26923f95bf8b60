//! Files, and when they have changed.
//!
//! They are looked at, not waited for: events of the file system are lost on bind mounts of single
//! files and on network file systems, and every editor replaces a file in its own way. A look is
//! a few system calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config;
use crate::document::Format;

use super::names::Resolver;
use super::{Desk, Texts};

/// A change is taken when two looks in a row have seen the same: whoever writes may not be done.
const LOOK: Duration = Duration::from_millis(250);

/// Deepest folder that is read; a link may lead in a circle.
const MAX_DEPTH: usize = 8;

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl From<&Metadata> for Stamp {
    fn from(of: &Metadata) -> Self {
        let (seconds, nanoseconds) = (of.mtime(), of.mtime_nsec());
        Self { inode: of.ino(), size: of.size(), seconds, nanoseconds }
    }
}

/// Each file with its stamp, `None` for one that cannot be looked at.
type Look = BTreeMap<PathBuf, Option<Stamp>>;

/// Follows a file or folder for ever.
pub(super) async fn follow(settings: &config::File, mut texts: Texts<'_>, desk: &impl Desk) {
    let mut resolver = Resolver::default();
    let (mut taken, mut last): (Option<Look>, Option<Look>) = (None, None);
    loop {
        let look = look(settings);
        let settled = taken.is_none() || last.as_ref() == Some(&look);
        let read = settled && taken.as_ref() != Some(&look) && (taken.is_none() || settings.watch);
        if read {
            take(settings, &look, taken.as_ref(), &mut texts);
            taken = Some(look.clone());
        }
        if resolver.resolve(&texts.host_names()).await || read {
            desk.put(texts.model(resolver.names()));
            match texts.broken.values().next() {
                Some(broken) => desk.lost(&broken.to_string()),
                None => desk.read(texts.understood.len()),
            }
        }
        last = Some(look);
        tokio::time::sleep(LOOK).await;
    }
}

/// Reads what has changed since it was last taken.
fn take(settings: &config::File, look: &Look, taken: Option<&Look>, texts: &mut Texts) {
    let subjects: BTreeSet<String> = look.keys().map(|path| path.display().to_string()).collect();
    if settings.is_folder {
        texts.keep(&subjects);
    }
    for (path, stamp) in look {
        if stamp.is_some() && taken.and_then(|taken| taken.get(path)) == Some(stamp) {
            continue;
        }
        let subject = path.display().to_string();
        match (fs::read_to_string(path), Format::of(path)) {
            (Err(error), _) => {
                let problem = format!("cannot be read: {error}");
                texts.break_off(&subject, &problem, "see its path and rights");
            }
            (_, None) => {
                let remedy = "give it a name that ends in .toml, .yaml or .yml";
                texts.break_off(&subject, "is neither TOML nor YAML by its name", remedy);
            }
            (Ok(text), Some(format)) => texts.take(&subject, &text, format),
        }
    }
}

fn look(settings: &config::File) -> Look {
    let mut found = Look::new();
    if !settings.is_folder {
        let stamp = fs::metadata(&settings.path).ok();
        found.insert(settings.path.clone(), stamp.as_ref().map(Stamp::from));
    } else if walk(&settings.path, 0, &mut found).is_err() {
        found.insert(settings.path.clone(), None);
    }
    found
}

/// Files of a folder and below it that could be meant. Hidden folders are not: a mounted volume of
/// an orchestrator keeps its versions there.
fn walk(folder: &Path, depth: usize, found: &mut Look) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            if depth < MAX_DEPTH && !hidden {
                walk(&path, depth + 1, found)?;
            }
        } else if Format::of(&path).is_some() && !hidden {
            found.insert(path, Some(Stamp::from(&metadata)));
        }
    }
    Ok(())
}
