//! The successor, as the process that serves sees it; and the door that it knocks at.

use std::fs::{self, Permissions};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::{
    BATCH, DONE, HELLO, LAST, MORE, PROMPT, READINESS, READY, REFUSED, TEXT_BYTES, check_peer,
    network_namespace,
};

/// Only one successor can succeed; a few that come too often may wait for their refusal.
const BACKLOG: i32 = 4;

/// Where a successor knocks.
#[derive(Debug)]
pub struct Door(StdListener);

impl Door {
    /// Opens it at the path, in the place of whatever socket is there: a predecessor's that has
    /// handed over, or one that a crash has left. The path is never without a socket meanwhile.
    pub fn open(path: &Path) -> io::Result<Self> {
        let open = || {
            // In the same folder, or it could not be renamed.
            let mut aside = path.as_os_str().to_owned();
            aside.push(format!(".{}", std::process::id()));
            let aside = PathBuf::from(aside);
            if let Err(error) = fs::remove_file(&aside)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let socket = Socket::new(Domain::UNIX, Type::STREAM.cloexec().nonblocking(), None)?;
            socket.bind(&SockAddr::unix(&aside)?)?;
            // Before it listens, so nobody else has got in.
            fs::set_permissions(&aside, Permissions::from_mode(0o600))?;
            socket.listen(BACKLOG)?;
            fs::rename(&aside, path)?;
            Ok(Self(socket.into()))
        };
        open().map_err(|error: io::Error| {
            let problem = format!("cannot wait for a successor at {}: {error}", path.display());
            io::Error::new(error.kind(), problem)
        })
    }

    /// Waits for a process that may have our listeners and knows how to ask for them. Has to be
    /// called inside a tokio runtime.
    pub async fn knock(&self) -> io::Result<Successor> {
        let listener = UnixListener::from_std(self.0.try_clone()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let mut successor = Successor(stream);
            match successor.admit().await {
                Ok(()) => return Ok(successor),
                Err(error) => {
                    tracing::warn!("a successor is refused: {error}");
                    successor.refuse(&error);
                }
            }
        }
    }
}

/// A process that wants to take over. Dropping this without having given way tells it that we are
/// no more: see [`Successor::refuse`].
#[derive(Debug)]
pub struct Successor(UnixStream);

impl Successor {
    async fn admit(&mut self) -> io::Result<()> {
        check_peer(&self.0)?;
        let hello = prompt(PROMPT, self.line()).await?;
        let Some(namespace) = hello.strip_prefix(HELLO) else {
            let problem = format!("expected {HELLO:?}, not {hello:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        };
        let own = network_namespace();
        if namespace != own {
            let problem = format!("it is in the network namespace {namespace}, we are in {own}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            match self.0.read_u8().await? {
                b'\n' => return Ok(String::from_utf8_lossy(&line).into_owned()),
                _ if line.len() == TEXT_BYTES => return Err(io::ErrorKind::InvalidData.into()),
                byte => line.push(byte),
            }
        }
    }

    /// Gives it copies of the listeners and waits until it is ready. Once this is done it accepts
    /// and we must not; after an error it is the other way round.
    pub async fn give_way(&mut self, listeners: &[impl AsFd]) -> io::Result<()> {
        prompt(PROMPT, self.send(listeners)).await?;
        let word = prompt(READINESS, self.0.read_u8()).await?;
        if word != READY {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // Without waiting, so that nothing comes between its being said and our doing so. Fails
        // when nobody will ever read it.
        self.0.try_write(&[DONE]).map(|_| ())
    }

    async fn send(&mut self, listeners: &[impl AsFd]) -> io::Result<()> {
        let descriptors: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
        let mut rest = &descriptors[..];
        loop {
            let (batch, behind) = rest.split_at(rest.len().min(BATCH));
            let word = [if behind.is_empty() { LAST } else { MORE }];
            let send = || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                // There is room for it, by the size of the batch.
                control.push(SendAncillaryMessage::ScmRights(batch));
                let data = [IoSlice::new(&word)];
                Ok(sendmsg(&self.0, &data, &mut control, SendFlags::NOSIGNAL)?)
            };
            self.0.async_io(Interest::WRITABLE, send).await?;
            if behind.is_empty() {
                return Ok(());
            }
            rest = behind;
        }
    }

    /// Tells it that we go on. It must not be left in the belief that we are no more.
    pub fn refuse(&mut self, reason: &io::Error) {
        let mut text = vec![REFUSED];
        text.extend(reason.to_string().bytes().take(TEXT_BYTES));
        // There is always room for it; if not, or if it is gone, it will not begin either.
        let _ = self.0.try_write(&text);
    }
}

async fn prompt<T>(
    within: std::time::Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    timeout(within, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
