//! The predecessor, as its successor sees it. Runs before anything else, so it may block.

use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, Shutdown, recvmsg,
};
use tokio::time::timeout;

use super::{
    BATCH, DONE, HELLO, LAST, MORE, PROMPT, READY, REFUSED, TEXT_BYTES, check_peer,
    network_namespace,
};

/// A running process that is willing to hand over. Dropping this leaves it serving.
#[derive(Debug)]
pub struct Predecessor(pub(super) UnixStream);

impl Predecessor {
    /// Asks who listens at the path for its listeners; `None` if nobody does. A file that a
    /// crashed process has left is nobody.
    pub fn ask(path: &Path) -> io::Result<Option<(Self, Vec<TcpListener>)>> {
        let Some(stream) = connect(path).map_err(explain)? else { return Ok(None) };
        let predecessor = Self(stream);
        let listeners = predecessor.listeners().map_err(explain)?;
        Ok(Some((predecessor, listeners)))
    }

    fn listeners(&self) -> io::Result<Vec<TcpListener>> {
        writeln!(&self.0, "{HELLO}{}", network_namespace())?;
        let mut listeners = Vec::new();
        while self.batch(&mut listeners)? == MORE {}
        Ok(listeners)
    }

    /// Receives one message; says whether it was the last one.
    fn batch(&self, listeners: &mut Vec<TcpListener>) -> io::Result<u8> {
        let mut word = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut word)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                listeners.extend(descriptors.map(TcpListener::from));
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other("not all descriptors fit; raise the limit of open files"));
        }
        match word[0] {
            _ if received.bytes == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            word @ (MORE | LAST) => Ok(word),
            word => Err(self.complaint(word)),
        }
    }

    /// It has ended without a word: nobody else serves any more.
    pub fn is_gone(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = rustix::net::recv(&self.0, &mut [0_u8][..], flags);
        !matches!(peeked, Ok((1.., _)) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR))
    }

    /// Tells it to stop accepting. After an error it goes on and we must not begin.
    pub fn take_over(self) -> io::Result<()> {
        // Fails when it is gone or has refused: what it said last is left to read.
        let _ = (&self.0).write_all(&[READY]);
        let word = match self.word() {
            Err(error) if is_timeout(&error) => {
                // It can no longer say DONE after this; whether it has said so before is left to
                // read. So either both know that we have taken over, or neither.
                let _ = rustix::net::shutdown(&self.0, Shutdown::Read);
                self.word().ok().flatten().map(Some).ok_or_else(|| explain(error))?
            }
            // An error is its end, too.
            word => word.unwrap_or(None),
        };
        match word {
            None | Some(DONE) => Ok(()),
            Some(word) => Err(explain(self.complaint(word))),
        }
    }

    /// The next word; `None` at the end.
    fn word(&self) -> io::Result<Option<u8>> {
        let mut word = [0];
        match (&self.0).read_exact(&mut word) {
            Ok(()) => Ok(Some(word[0])),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn complaint(&self, word: u8) -> io::Error {
        if word != REFUSED {
            return io::Error::new(io::ErrorKind::InvalidData, "it does not speak as a Ringress");
        }
        let mut reason = Vec::new();
        // What came of it will do.
        let _ = (&self.0).take(TEXT_BYTES as u64).read_to_end(&mut reason);
        io::Error::other(String::from_utf8_lossy(&reason).into_owned())
    }
}

fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        // It would be replaced later.
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is not a socket"));
        }
        Ok(_) => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let connected = runtime.block_on(async {
        let stream = timeout(PROMPT, tokio::net::UnixStream::connect(path)).await??;
        check_peer(&stream)?;
        stream.into_std()
    });
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => return Ok(None),
            _ => return Err(error),
        },
    };
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PROMPT))?;
    stream.set_read_timeout(Some(PROMPT))?;
    Ok(Some(stream))
}

fn explain(error: io::Error) -> io::Error {
    let problem = match is_timeout(&error) {
        true => "it does not answer; is another process about to take over?".to_owned(),
        false => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot take over from the running process: {problem}"))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
