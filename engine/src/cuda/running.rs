//! A process of a device from its start to its end, whatever it does meanwhile.

use super::{
    error::DeviceError,
    process::{cannot_start, lock},
    protocol::{greet, read_greeting, receive, send, MessageError, Request, Response, VERSION},
    settings::CudaSettings,
};
use std::{
    fs::File,
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        mpsc::{self, Receiver, Sender},
        Arc, Mutex,
    },
    thread,
    time::{Duration, Instant},
};

/// What is kept of what a process says on its standard error.
const LAST_WORDS_BYTES: usize = 1_024;
/// How long to wait for the last words of a process that has ended.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);
/// How long to wait for the end of a process that was told to end.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// How often to look whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Starts a process whose standard input is the shared memory and whose standard output is a
/// socket in both directions, and exchanges greetings.
pub(super) fn connect(
    settings: &CudaSettings,
    memory: &File,
) -> Result<(Running, UnixStream), DeviceError> {
    let (mut ours, theirs) = UnixStream::pair().map_err(cannot_start)?;
    let memory = memory.try_clone().map_err(cannot_start)?;
    let command = &settings.command;
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .envs(command.environment.iter().cloned())
        .stdin(Stdio::from(memory))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        // What interrupts the parent from its terminal must not end jobs that it still finishes.
        .process_group(0)
        .spawn()
        .map_err(cannot_start)?;
    let last_words = child.stderr.take().map(LastWords::of);
    let running = Running {
        child: Arc::new(Mutex::new(child)),
        last_words,
    };
    ours.set_read_timeout(Some(settings.start_limit))
        .and_then(|()| ours.set_write_timeout(Some(settings.answer_limit)))
        .map_err(cannot_start)?;
    match read_greeting(&mut ours) {
        Ok(VERSION) => match greet(&mut ours) {
            Ok(()) => Ok((running, ours)),
            Err(error) => Err(running.explain(error, settings.start_limit)),
        },
        Ok(theirs) => Err(DeviceError::ProtocolMismatch {
            ours: VERSION,
            theirs,
        }),
        Err(error) => Err(running.explain(error, settings.start_limit)),
    }
}

/// A process that is ended when this is dropped.
pub(super) struct Running {
    child: Arc<Mutex<Child>>,
    last_words: Option<LastWords>,
}

impl Running {
    pub(super) fn first_answer(
        &self,
        socket: &mut UnixStream,
        request: &Request,
        settings: &CudaSettings,
    ) -> Result<Response, DeviceError> {
        match send(socket, request).and_then(|()| receive(socket)) {
            Ok(Response::Failed { error, .. }) => Err(error),
            Ok(response) => Ok(response),
            Err(error) => Err(self.explain(error, settings.start_limit)),
        }
    }

    /// What a failed exchange means. The process is of no use afterwards and is ended.
    pub(super) fn explain(&self, error: MessageError, limit: Duration) -> DeviceError {
        use io::ErrorKind::{BrokenPipe, TimedOut, WouldBlock};
        match error {
            MessageError::Io(error) if matches!(error.kind(), TimedOut | WouldBlock) => {
                self.end();
                DeviceError::TimedOut {
                    seconds: limit.as_secs(),
                }
            }
            MessageError::Io(error) if error.kind() != BrokenPipe => {
                self.end();
                DeviceError::ProcessEnded(error.to_string())
            }
            MessageError::Io(_) | MessageError::Closed => DeviceError::ProcessEnded(self.end()),
            MessageError::TooLong(_) | MessageError::Malformed | MessageError::NoGreeting => {
                self.end();
                DeviceError::BadAnswer(error.to_string())
            }
        }
    }

    /// Ends the process, if it has not ended, and gives its status and last words.
    fn end(&self) -> String {
        // One that closed its end is about to exit: its own status tells more than ours.
        let status = match self.wait(LAST_WORDS_WAIT) {
            Some(status) => status,
            None => {
                self.kill();
                self.wait(Duration::ZERO)
                    .unwrap_or_else(|| "it can't be ended now".into())
            }
        };
        match self.last_words.as_ref().map(LastWords::text) {
            Some(words) if !words.is_empty() => format!("{status}: {words}"),
            _ => status,
        }
    }

    /// Ends the process at once. A device that hangs can hold on to its process; whoever ends it
    /// is not held up for long.
    pub(super) fn kill(&self) {
        // It can only fail if the process has ended.
        let _ = lock(&self.child).kill();
        self.wait(KILL_WAIT);
    }

    /// The status of the process, if it ends so soon.
    fn wait(&self, limit: Duration) -> Option<String> {
        let until = Instant::now() + limit;
        loop {
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return Some(status.to_string()),
                Err(error) => return Some(error.to_string()),
                Ok(None) if Instant::now() >= until => return None,
                Ok(None) => (),
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if self.wait(Duration::ZERO).is_none() {
            // The system keeps an entry of it until somebody has seen it end.
            let child = self.child.clone();
            thread::spawn(move || lock(&child).wait());
        }
    }
}

/// The end of what a process says on its standard error.
struct LastWords {
    words: Arc<Mutex<Vec<u8>>>,
    ended: Mutex<Receiver<()>>,
}

impl LastWords {
    fn of(mut from: ChildStderr) -> Self {
        let words = Arc::new(Mutex::new(Vec::new()));
        let (alive, ended) = mpsc::channel();
        let kept = words.clone();
        thread::spawn(move || {
            let _alive: Sender<()> = alive;
            let mut piece = [0; LAST_WORDS_BYTES];
            while let Ok(count @ 1..) = from.read(&mut piece) {
                let mut kept = lock(&kept);
                kept.extend_from_slice(&piece[..count]);
                let superfluous = kept.len().saturating_sub(LAST_WORDS_BYTES);
                kept.drain(..superfluous);
            }
        });
        Self {
            words,
            ended: Mutex::new(ended),
        }
    }

    /// Of a process that has ended.
    fn text(&self) -> String {
        // Nothing is ever sent: it returns when the thread has read everything.
        let _ = lock(&self.ended).recv_timeout(LAST_WORDS_WAIT);
        String::from_utf8_lossy(&lock(&self.words))
            .trim()
            .to_owned()
    }
}
